import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogPlace } from './place.ts';

/** A Node process that runs a script, and the lines it has written. */
export class LineChild {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #waiting = new Set<() => void>();
  #errors = '';

  constructor(script: URL, ...args: readonly string[]) {
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (this.#process.stdout !== null) {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        this.lines.push(line);
        for (const look of this.#waiting) look();
      });
    }
    this.#process.stderr?.on('data', (data: Buffer) => (this.#errors += data.toString()));
    this.#exited = new Promise((resolve) => this.#process.on('close', resolve));
  }

  /** Resolves once it has written so many lines; rejects when it ends before. */
  async wrote(lines: number): Promise<void> {
    await this.until(() => this.lines.length >= lines);
  }

  /** Resolves once the lines that it has written are as wanted; rejects when it ends before. */
  async until(isSo: (lines: readonly string[]) => boolean): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      const look = (): void => {
        if (isSo(this.lines)) resolve();
      };
      this.#waiting.add(look);
      look();
    });
    const ended = this.#exited.then((code) => {
      if (!isSo(this.lines))
        throw new Error(`The child ended with ${code} after ${this.lines.length} lines. ${this.#errors}`);
    });
    await Promise.race([enough, ended]);
  }

  /** As `kill -STOP` or another one. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Kills it as `kill -9` does. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves when it has ended well. */
  async ended(): Promise<void> {
    const code = await this.#exited;
    if (code !== 0) throw new Error(`The child ended with ${code}. ${this.#errors}`);
  }
}

/** A child process on the same log. */
export class LogChild extends LineChild {
  constructor(place: LogPlace, ...args: readonly string[]) {
    if (place.child === undefined) throw new Error('This log can not be opened by another process.');
    const { module, argument } = place.child;
    super(new URL('child.ts', import.meta.url), module, argument, ...args);
  }
}
