import type { ChildProcess } from 'node:child_process';
import { exitOf, type Exit } from './exits.ts';

/** docs/operations.md has systemd wait for 5 s. */
const RESTART_AFTER_MS = 1_000;
/** Long enough for what is in flight and for a cluster that is just coming back. */
const STOP_WITHIN_MS = 120_000;

export interface SupervisedOptions {
  readonly say: (line: string) => void;
  /** False: an end is an end, however it came. */
  readonly isRestarted: boolean;
}

/** How a process ended without having been asked to. */
export interface UnaskedExit {
  readonly code: number;
  readonly stderr: string;
}

/**
 * A command under the restart policy of docs/operations.md: killed or exit code 1, it is started again; 0, 130 and 2 are
 * final. What a campaign does not expect of it (wrong usage, a bug, a clean end in the middle) is kept in `faults`.
 */
export class SupervisedProcess {
  readonly name: string;
  readonly unasked: UnaskedExit[] = [];
  readonly faults: string[] = [];
  starts = 0;
  readonly #spawn: () => ChildProcess;
  readonly #options: SupervisedOptions;
  #child: ChildProcess | undefined;
  #isFrozen = false;
  /** What was asked for last. */
  #wanted: 'run' | 'stop' | 'kill' = 'run';
  #ended: Promise<Exit>;
  #restart: NodeJS.Timeout | undefined;

  constructor(name: string, spawn: () => ChildProcess, options: SupervisedOptions) {
    this.name = name;
    this.#spawn = spawn;
    this.#options = options;
    this.#ended = this.#begin();
  }

  /** Not frozen, not ending. */
  get isUp(): boolean {
    return this.#child !== undefined && !this.#isFrozen && this.#wanted === 'run';
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Was told to go, and is gone. */
  get isGone(): boolean {
    return this.#child === undefined && this.#wanted !== 'run';
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Of the process that runs now, or ran last. */
  get ended(): Promise<Exit> {
    return this.#ended;
  }

  /** kill -9; the supervisor starts it again. */
  crash(): void {
    this.#child?.kill('SIGKILL');
    this.#isFrozen = false;
  }

  freeze(): void {
    this.#isFrozen = this.#child?.kill('SIGSTOP') ?? false;
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
    this.#isFrozen = false;
  }

  /** A clean stop, after which it stays away; one that is not clean is a fault. */
  async stop(): Promise<void> {
    this.#wanted = 'stop';
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    this.thaw();
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.faults.push(`${this.name} did not stop within ${STOP_WITHIN_MS / 1000} s`);
      child.kill('SIGKILL');
    }, STOP_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** After `stop`. */
  rejoin(): void {
    this.#wanted = 'run';
    this.#ended = this.#begin();
  }

  /** For good. */
  async kill(): Promise<void> {
    this.#wanted = 'kill';
    clearTimeout(this.#restart);
    if (this.#child === undefined) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #begin(): Promise<Exit> {
    this.starts++;
    const child = this.#spawn();
    this.#child = child;
    return exitOf(child).then((exit) => {
      this.#child = undefined;
      this.#isFrozen = false;
      this.#take(exit);
      return exit;
    });
  }

  #take({ code, signal, stderr }: Exit): void {
    const text = stderr.trimEnd().split('\n').slice(-5).join('\n');
    if (stderr.includes('This is a bug')) this.faults.push(`${this.name}: ${stderr}`);
    if (this.#wanted === 'kill') return;
    if (this.#wanted === 'stop') {
      // 1 where it was about to end by itself; whoever reads `unasked` judges that.
      if (code === 1) this.unasked.push({ code, stderr: text });
      // A process that has just been started has no handler yet, and nothing to finish.
      else if (code !== 130 && signal !== 'SIGTERM')
        this.faults.push(`${this.name} was to stop and ended with ${code}: ${text}`);
      return;
    }
    if (code !== null) {
      this.unasked.push({ code, stderr: text });
      this.#options.say(`  ${this.name} ended by itself with ${code}: ${text.split('\n').at(-1) ?? ''}`);
      if (code !== 1 && this.#options.isRestarted) this.faults.push(`${this.name} ended with ${code}: ${text}`);
    }
    if (!this.#options.isRestarted) return;
    this.#restart = setTimeout(() => {
      this.#ended = this.#begin();
    }, RESTART_AFTER_MS);
  }
}
