import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const PRELOAD = fileURLToPath(new URL('usage-at-exit.mjs', import.meta.url));
/** As the npm scripts run it. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', `--import=${PRELOAD}`];

/** What a process took, from its start to its exit, all threads together. */
export interface Usage {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Resident memory at its highest. */
  readonly peakMemoryBytes: number;
}

export interface Ran extends Usage {
  readonly stdout: string;
}

/** The parts of a command's `--json` report that are measured. */
export interface StageReport {
  readonly elapsedMs: number;
  readonly [count: string]: unknown;
}

export interface CommandReport {
  readonly produced?: readonly StageReport[];
  readonly processed?: readonly StageReport[];
  readonly sunk?: readonly StageReport[];
}

/** Runs a command of embedstream as its npm script does, in `folder`, and waits for it. Rejects unless it exits 0. */
export async function runEmbedstream(
  args: readonly string[],
  folder: string,
): Promise<Usage & { readonly report: CommandReport }> {
  const { stdout, ...usage } = await runNode([MAIN, ...args, '--json'], folder);
  return { ...usage, report: JSON.parse(stdout) as CommandReport };
}

/** A command that goes on until it is told to stop. */
export function startEmbedstream(args: readonly string[], folder: string): { stop(): Promise<void> } {
  const [script, ...rest] = [MAIN, ...args];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...rest], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** Runs a script in a process of its own and measures it. Rejects unless it exits 0. */
export async function runNode(args: readonly string[], folder: string): Promise<Ran> {
  const usageFile = join(folder, 'usage.json');
  rmSync(usageFile, { force: true });
  const environment = { ...process.env, BENCH_USAGE_FILE: usageFile, NODE_OPTIONS: '' };
  const { stdout, wallSeconds } = await run(process.execPath, [...NODE_FLAGS, ...args], folder, environment);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8')) as Omit<Usage, 'wallSeconds'>;
  return { ...usage, wallSeconds, stdout };
}

/** Any program; its wall time alone. Rejects unless it exits 0. */
export async function run(
  command: string,
  args: readonly string[],
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly stdout: string; readonly wallSeconds: number }> {
  const startMs = performance.now();
  const child = spawn(command, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const wallSeconds = (performance.now() - startMs) / 1000;
  const stdout = Buffer.concat(out).toString();
  if (code === 0) return { stdout, wallSeconds };
  const said = `${stdout.slice(-2000)}\n${Buffer.concat(errors).toString().slice(-2000)}`;
  throw new Error(`${command} ${args.join(' ')} exited with ${code ?? 'a signal'}:\n${said}`);
}
