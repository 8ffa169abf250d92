import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;
/** Also known to watchdog.sh. */
const PID_FILE = 'pid';
const LOG_FILE = 'server.log';

export interface ServerProcess {
  readonly pid: number;
  readonly ended: boolean;
}

export interface ServerCommand {
  /** Where the server keeps everything; `args` or `command` must name it, which is how the process is known again. */
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of its own session that outlives this one. It writes to `server.log`, its id to `pid`. */
export function spawnServer({ folder, command, args, env }: ServerCommand): ServerProcess {
  mkdirSync(folder, { recursive: true });
  const log = openSync(logFileOf(folder), 'a');
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
  } finally {
    closeSync(log);
  }
  const { pid } = child;
  let ended = pid === undefined;
  const end = (): void => {
    ended = true;
  };
  child.once('exit', end).once('error', end).unref();
  if (pid === undefined) throw new Error(`${command} does not start`);
  writeFileSync(join(folder, PID_FILE), `${pid}\n`);
  return {
    pid,
    get ended() {
      return ended;
    },
  };
}

/** Of a server that something spawned for `folder` has started in its turn: from now on it is what is ended. */
export function noteServer(folder: string, pid: number): void {
  writeFileSync(join(folder, PID_FILE), `${pid}\n`);
}

export function logFileOf(folder: string): string {
  return join(folder, LOG_FILE);
}

/** The last lines of a log, for a message. */
export function logTail(path: string, lines = 20): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '(no log)';
}

/** The process that was spawned for `folder`, if it still runs. Another process that got its id is not taken for it. */
export function runningPid(folder: string): number | undefined {
  const path = join(folder, PID_FILE);
  if (!existsSync(path)) return undefined;
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  return Number.isInteger(pid) && commandLine(pid).includes(folder) ? pid : undefined;
}

/**
 * Ends the server of `folder`, if it runs, and resolves when it is gone. What does not end by `signal` within
 * `withinMs` is killed.
 */
export async function endServer(folder: string, signal: 'SIGTERM' | 'SIGKILL', withinMs = 30_000): Promise<boolean> {
  const pid = runningPid(folder);
  if (pid === undefined) return false;
  process.kill(pid, signal);
  const deadline = Date.now() + withinMs;
  while (runningPid(folder) === pid) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await delay(POLL_MS);
  }
  rmSync(join(folder, PID_FILE), { force: true });
  return true;
}

/** Empty where there is no such process, or where it is dead and only waits for its parent to take note. */
function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return '';
  }
}
