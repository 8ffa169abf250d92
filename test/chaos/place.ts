/** A campaign's own folder and namespace, and the real commands in it. */
import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOf, type Exit } from './exits.ts';
import { SupervisedProcess } from './supervised-process.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
export const MODEL = 'hashed-384';
/** The shortest that a broker allows, so that a frozen process is missed soon. */
export const SESSION_TIMEOUT_MS = 6_000;

/** What commands print with --json, as far as campaigns look into it. */
export interface CommandJson {
  readonly produced?: readonly { readonly created: number; readonly changed: number; readonly pruned: number }[];
  readonly processed?: readonly { readonly embedded: number; readonly deadLettered: number }[];
  readonly differences?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface PlaceOptions {
  readonly brokers: readonly string[];
  /** Of the commands, above what they inherit. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'embedstream-chaos-'));
  readonly namespace: string;
  readonly brokers: readonly string[];
  readonly say: (line: string) => void;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #children = new Set<ChildProcess>();
  readonly #supervised: SupervisedProcess[] = [];

  constructor({ brokers, environment = {}, say }: PlaceOptions, namespace = `chaos-${randomUUID().slice(0, 8)}`) {
    this.brokers = brokers;
    this.namespace = namespace;
    this.say = say;
    this.#environment = { KAFKA_BROKERS: brokers.join(), EMBEDSTREAM_SESSION_TIMEOUT: '6', ...environment };
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Where a file sink of `out` writes. */
  shardFolder(format: string, out = 'data'): string {
    return this.path(out, format, MODEL);
  }

  /** A command line that follows, started again by its exit code until it is told to stop. */
  supervise(name: string, args: readonly string[], options: { isRestarted?: boolean } = {}): SupervisedProcess {
    const started = new SupervisedProcess(name, () => this.spawn(args), {
      say: this.say,
      isRestarted: options.isRestarted ?? true,
    });
    this.#supervised.push(started);
    return started;
  }

  spawn(args: readonly string[], program = MAIN): ChildProcess {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(?:EMBEDSTREAM_|KAFKA_|SCHEMA_REGISTRY|VITEST|NODE_OPTIONS)/.test(name),
    );
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        CI: '1',
        NODE_COMPILE_CACHE: join(tmpdir(), 'embedstream-compile-cache'),
        EMBEDSTREAM_NAMESPACE: this.namespace,
        ...this.#environment,
      },
    });
    this.#children.add(child);
    child.on('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs to the end; `killAfterMs` ends it by SIGKILL. */
  async run(args: readonly string[], killAfterMs?: number): Promise<Exit> {
    const child = this.spawn(args);
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const exit = await exitOf(child);
    clearTimeout(timer);
    return exit;
  }

  /** Runs with --json; rejects when the exit code is none of `codes`. */
  async json(args: readonly string[], codes: readonly number[] = [0]): Promise<CommandJson & { code: number }> {
    const { code, stdout, stderr } = await this.run([...args, '--json']);
    if (code === null || !codes.includes(code))
      throw new Error(`${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
    return { code, ...(JSON.parse(stdout) as CommandJson) };
  }

  /** Ends what still runs and removes the folder. */
  async dispose(): Promise<void> {
    await Promise.all(this.#supervised.map((each) => each.kill()));
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Most memory that a process of this machine has had, in MiB; undefined once it is gone. */
export function peakMemoryMiB(pid: number): number | undefined {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
