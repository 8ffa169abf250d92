import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import { endServer } from './server-process.ts';

/** Names the run's folder to the processes of the run. */
const VARIABLE = 'EMBEDSTREAM_TEST_RUN';
const OWNER_FILE = 'owner';
const WATCHED_FILE = 'watched';
const WATCHDOG = join(import.meta.dirname, 'watchdog.sh');

/**
 * The folder of a whole test run, with a folder a server in it. Nothing is started: that happens when a test asks.
 * This process is its owner; when it ends, however it ends, a watchdog ends the servers.
 */
export function openRun(): string {
  // The real path, since it is looked for in command lines.
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'embedstream-run-'));
  writeFileSync(join(folder, OWNER_FILE), String(process.pid));
  process.env[VARIABLE] = folder;
  return folder;
}

/** The run of this process: the one it was started in, or one of its own. */
function runFolder(): string {
  const folder = process.env[VARIABLE];
  return folder !== undefined && existsSync(folder) ? folder : openRun();
}

/** The same folder, once somebody sees to it that the servers in it end with the run. */
export async function watchedRunFolder(): Promise<string> {
  const run = runFolder();
  await withLock(join(run, 'watch.lock'), () => {
    watch(run);
    return Promise.resolve();
  });
  return run;
}

/** A folder that nobody else of this run uses. */
export async function ownServerFolder(name: string): Promise<string> {
  return mkdtempSync(join(await watchedRunFolder(), `${name}-`));
}

/** Ends the servers of a run and removes their data. */
export async function closeRun(folder: string): Promise<void> {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  // A server in a container must be let end its container.
  await Promise.all(entries.map(({ name }) => endServer(join(folder, name), 'SIGTERM', 10_000)));
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function watch(run: string): void {
  const note = join(run, WATCHED_FILE);
  if (existsSync(note)) return;
  spawn('sh', [WATCHDOG, readFileSync(join(run, OWNER_FILE), 'utf8'), run], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  writeFileSync(note, '');
}
