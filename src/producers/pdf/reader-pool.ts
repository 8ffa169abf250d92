import type { PdfProblem, ReadRequest } from './messages.ts';
import { type OnReply, ReaderDied, type ReaderLimits, ReaderProcess } from './reader-process.ts';
import { ReadingTurns } from './reading-turns.ts';

export interface ReaderPoolOptions {
  /** Processes at most. They are started when there is work. */
  readonly processes: number;
  /** Documents at most that are read before they are asked for. */
  readonly documentsAhead: number;
  readonly limits: ReaderLimits;
  /** The process' script; tests put another in its place. */
  readonly script: URL;
}

/** A document is tried again once when its process has died: another may have ended it. */
const TRIES = 2;

/** What a document is told while it is read. */
export interface ReadingEvents {
  /** `more` lets the process send another batch. */
  reply(reply: Parameters<OnReply>[0], more: () => void): void;
  /** The process has died; all comes again from the start. */
  restart(): void;
}

/** The processes that read PDFs: each reads one file at a time, files wait in the order in which they came. */
export class ReaderPool {
  readonly turns: ReadingTurns;
  readonly #options: ReaderPoolOptions;
  readonly #idle: ReaderProcess[] = [];

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
    this.turns = new ReadingTurns(options.processes, options.documentsAhead);
  }

  /** As `ReaderProcess.read`, by a process that is free or a new one. Whoever calls has the turn. */
  async read(
    request: ReadRequest,
    on: ReadingEvents,
    { signal, wanted }: { readonly signal: AbortSignal; readonly wanted: Promise<unknown> },
  ): Promise<PdfProblem | undefined> {
    let isAlone = false;
    for (let tried = 1; ; tried++) {
      const reader = isAlone ? await this.#start() : await this.#free();
      const wasUsed = reader.hasRead;
      const onReply: OnReply = (reply) => {
        on.reply(reply, () => {
          reader.more();
        });
      };
      try {
        const problem = await reader.read(request, onReply, { signal, wanted });
        if (problem?.code !== 'PDF_TOO_MUCH_MEMORY' || !wasUsed) return problem;
        // What others have left there counted against it: a new process tells.
        isAlone = true;
        on.restart();
      } catch (error) {
        if (!(error instanceof ReaderDied)) throw error;
        if (tried === TRIES) return { code: 'PDF_READER_DIED', detail: `${error.message}, ${TRIES} times` };
        on.restart();
      } finally {
        if (!reader.isRetired) this.#idle.push(reader);
      }
    }
  }

  /** Ends every process that has no work. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((reader) => reader.kill()));
  }

  async #free(): Promise<ReaderProcess> {
    for (;;) {
      const reader = this.#idle.pop();
      if (reader === undefined) return this.#start();
      if (!reader.isRetired) return reader;
    }
  }

  #start(): Promise<ReaderProcess> {
    return ReaderProcess.start(this.#options.script, this.#options.limits);
  }
}
