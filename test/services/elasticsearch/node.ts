import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asOrdinaryUser, giveToOrdinaryUser } from '../ordinary-user.ts';
import { noteServer, spawnServer, type ServerProcess } from '../server-process.ts';
import { elasticsearchHome } from './distribution.ts';

const POLL_MS = 50;

export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface NodeOptions {
  readonly folder: string;
  readonly port: number;
  readonly transportPort: number;
  readonly settings: Settings;
  /** Of the JVM, in MB. */
  readonly heapMb?: number;
}

export interface Tool {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its path, for the command. */
  readonly script: (name: string) => string;
}

/** What a script of the distribution is run with, for the node of `folder`; its settings are made where they are not. */
export async function toolOf(folder: string): Promise<Tool> {
  const { home, javaHome } = await elasticsearchHome();
  const config = join(folder, 'config');
  if (!existsSync(config)) {
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    cpSync(join(home, 'config'), config, { recursive: true });
    for (const made of [folder, config, join(folder, 'tmp')]) giveToOrdinaryUser(made);
  }
  const env = { ES_JAVA_HOME: javaHome, ES_PATH_CONF: config, ES_TMPDIR: join(folder, 'tmp') };
  // By bash, since unpacking leaves nothing executable.
  return { command: 'bash', env, script: (name) => join(home, 'bin', name) };
}

/** A cluster of one node, which listens on 127.0.0.1 alone. */
export async function launchNode(options: NodeOptions): Promise<ServerProcess> {
  const { folder, heapMb = 640 } = options;
  const { command, env, script } = await toolOf(folder);
  const pidFile = join(folder, 'server.pid');
  rmSync(pidFile, { force: true });
  const settings: Settings = {
    'cluster.name': 'embedstream-tests',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': options.port,
    'transport.port': options.transportPort,
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    'cluster.routing.allocation.disk.threshold_enabled': false,
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  writeFileSync(join(folder, 'config', 'elasticsearch.yml'), lines.join(''));
  // Names `folder`, by which the process is known again; the server itself has it in ES_TMPDIR.
  const server = asOrdinaryUser({ command, args: [script('elasticsearch'), '-p', pidFile] });
  const heap = `-Xms${heapMb}m -Xmx${heapMb}m -XX:-AlwaysPreTouch`;
  const launcher = spawnServer({ folder, ...server, env: { ...env, ES_JAVA_OPTS: heap } });
  return watchServer(launcher, pidFile, folder);
}

/**
 * What is spawned is a small process that starts the server, and that a signal does not reach the server through at once.
 * So it is the server itself that is ended.
 */
async function watchServer(launcher: ServerProcess, pidFile: string, folder: string): Promise<ServerProcess> {
  while (!launcher.ended) {
    const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : Number.NaN;
    if (!Number.isNaN(pid)) {
      noteServer(folder, pid);
      break;
    }
    await delay(POLL_MS);
  }
  return launcher;
}
