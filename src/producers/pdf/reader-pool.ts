import type { PdfProblem, ReadRequest } from './messages.ts';
import { type OnReply, ReaderDied, type ReaderLimits, ReaderProcess } from './reader-process.ts';

export interface ReaderPoolOptions {
  /** Processes at most. They are started when there is work. */
  readonly processes: number;
  readonly limits: ReaderLimits;
  /** The process' script; tests put another in its place. */
  readonly script: URL;
}

/** A document is tried again once when its process has died: another may have ended it. */
const TRIES = 2;

/** The processes that read PDFs: each reads one file at a time, files wait in the order in which they came. */
export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #idle: ReaderProcess[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  /**
   * As `ReaderProcess.read`, by whichever process is free first. `onReply` is also given what lets the process send
   * another batch. What has come of a document before its process died is told by `onRestart`.
   */
  async read(
    request: ReadRequest,
    on: { readonly reply: (reply: Parameters<OnReply>[0], more: () => void) => void; readonly restart: () => void },
    signal: AbortSignal,
  ): Promise<PdfProblem | undefined> {
    await this.#turn(signal);
    try {
      for (let tried = 1; ; tried++) {
        const reader = await this.#free();
        try {
          const more = (): void => {
            reader.more();
          };
          return await reader.read(
            request,
            (reply) => {
              on.reply(reply, more);
            },
            signal,
          );
        } catch (error) {
          if (!(error instanceof ReaderDied)) throw error;
          if (tried === TRIES) return { code: 'PDF_READER_DIED', detail: `${error.message}, ${TRIES} times` };
          on.restart();
        } finally {
          if (!reader.isRetired) this.#idle.push(reader);
        }
      }
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }

  /** Ends every process that has no work. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((reader) => reader.kill()));
  }

  async #free(): Promise<ReaderProcess> {
    for (;;) {
      const reader = this.#idle.pop();
      if (reader === undefined) return ReaderProcess.start(this.#options.script, this.#options.limits);
      if (!reader.isRetired) return reader;
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#busy < this.#options.processes) {
      this.#busy++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', stop);
        this.#busy++;
        resolve();
      };
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(wake);
    });
  }
}
