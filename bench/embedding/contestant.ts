import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Reply {
  readonly ready?: boolean;
  readonly seconds?: number;
  readonly cpuSeconds?: number;
  readonly gflops?: number;
}

/** A contestant's process; the protocol is in contestants/serve-contestant.ts. */
export class Contestant implements AsyncDisposable {
  readonly name: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  /** Keeps what has been printed until it is asked for. */
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that is a reply; libraries print others. */
  async reply(): Promise<Reply> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`${this.name} ended before it answered`);
      if (line.value.startsWith('{')) return JSON.parse(line.value) as Reply;
    }
  }

  async measure(path: string): Promise<Reply> {
    this.#process.stdin.write(`${path}\n`);
    return this.reply();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin.end();
    await exited;
  }
}
