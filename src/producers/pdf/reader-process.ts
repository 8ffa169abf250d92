import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fatalError, messageOf } from '../../errors.ts';
import { createDeferred } from '../../models/local/deferred.ts';
import type { PdfProblem, ReaderReply, ReadRequest } from './messages.ts';

export interface ReaderLimits {
  /** Memory that a process may hold, itself included (about 100 MB). */
  readonly maxRssBytes: number;
  /** Without a sign of progress, a page of it read. */
  readonly stallMs: number;
  /** For reading a file as a whole; handing over its chunks does not count. */
  readonly fileMs: number;
}

/** Share of `maxRssBytes` that JavaScript objects may hold; the rest is for the bytes of streams. */
const HEAP_SHARE = 0.75;
/**
 * V8 lets a heap grow fourfold between collections, but one with a limit of less than 2 GB by half: then a third of the
 * time goes into collecting.
 */
const HEAP_GROWTH_PERCENT = 300;
const START_MS = 60_000;
/** One that has grown to this share of what it may hold begins afresh. */
const RETIRE_ABOVE = 0.75;

/** The process has died while it read, for no reason that is known to be the document's. */
export class ReaderDied extends Error {}

/** Called with what comes, in order; `document` is followed by batches of chunks. */
export type OnReply = (reply: Extract<ReaderReply, { kind: 'document' | 'chunks' }>) => void;

/** One process that reads PDFs. */
export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #limits: ReaderLimits;
  readonly #exit: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  #onReply: (reply: ReaderReply) => void = () => undefined;
  #isRetired = false;
  #hasRead = false;

  private constructor(script: URL, limits: ReaderLimits) {
    const heapMiB = Math.floor((limits.maxRssBytes * HEAP_SHARE) / 2 ** 20);
    this.#limits = limits;
    this.#child = fork(fileURLToPath(script), [JSON.stringify({ maxRssBytes: limits.maxRssBytes })], {
      execArgv: [
        `--max-old-space-size=${heapMiB}`,
        `--heap-growing-percent=${HEAP_GROWTH_PERCENT}`,
        '--disable-warning=ExperimentalWarning',
      ],
      // What reads files of strangers needs to know nothing of ours.
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (reply: ReaderReply) => {
      this.#onReply(reply);
    });
    this.#exit = new Promise((resolve, reject) => {
      this.#child.once('exit', (code, signal) => {
        this.#isRetired = true;
        resolve([code, signal]);
      });
      this.#child.once('error', reject);
    });
    this.#exit.catch(() => undefined);
  }

  /** Rejects with PDF_READER_FAILED where no process can be started. */
  static async start(script: URL, limits: ReaderLimits): Promise<ReaderProcess> {
    const reader = new ReaderProcess(script, limits);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        reader.#onReply = () => {
          resolve();
        };
        timer = setTimeout(reject, START_MS, new Error(`it did not answer within ${START_MS / 1000} s`));
        reader.#exit.then(([code, signal]) => {
          reject(new Error(`it ended with ${signal ?? `code ${code}`}`));
        }, reject);
      });
    } catch (error) {
      await reader.kill();
      throw fatalError(
        'PDF_READER_FAILED',
        `The process that reads PDFs could not be started: ${messageOf(error)}. Check that memory suffices.`,
        error,
      );
    } finally {
      clearTimeout(timer);
    }
    reader.#keepsAlive(false);
    return reader;
  }

  /** True once it has read a file, of which it may hold memory still. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** True once it has ended or has to be replaced. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /**
   * Reads one file; one call at a time. Resolves to why it yields nothing, or to undefined when all has come. Rejects with
   * ReaderDied, with SOURCE_READ_FAILED, and with the reason of `signal`. Keeps our process alive from when `wanted`
   * resolves.
   */
  async read(
    request: ReadRequest,
    onReply: OnReply,
    { signal, wanted }: { readonly signal: AbortSignal; readonly wanted: Promise<unknown> },
  ): Promise<PdfProblem | undefined> {
    signal.throwIfAborted();
    this.#hasRead = true;
    let isOver = false;
    void wanted.then(() => {
      if (!isOver) this.#keepsAlive(true);
    });
    const clock = new ReadingClock(this.#limits);
    const aborted = createDeferred<never>();
    const onAbort = (): void => {
      aborted.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const answered = new Promise<PdfProblem | undefined>((resolve, reject) => {
      this.#onReply = (reply) => {
        clock.tick();
        if (reply.kind === 'done' || reply.kind === 'problem') {
          if (reply.rssBytes > this.#limits.maxRssBytes * RETIRE_ABOVE) this.#isRetired = true;
          resolve(reply.kind === 'problem' ? reply.problem : undefined);
        } else if (reply.kind === 'failed') {
          reject(fatalError('SOURCE_READ_FAILED', `${request.path} could not be read: ${reply.reason}.`));
        } else if (reply.kind === 'document' || reply.kind === 'chunks') {
          clock.stop();
          onReply(reply);
        }
      };
    });
    const ended = this.#exit.then(([code, killedBy]) => this.#deathOf(code, killedBy));
    // Whichever loses the race is of no interest.
    for (const promise of [aborted.promise, answered, ended]) promise.catch(() => undefined);
    this.#child.send(request, () => undefined);
    try {
      const problem = await Promise.race([answered, ended, clock.overdue, aborted.promise]);
      if (problem?.code === 'PDF_TOO_SLOW') await this.kill();
      return problem;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      isOver = true;
      signal.removeEventListener('abort', onAbort);
      clock.stop();
      this.#onReply = () => undefined;
      if (this.#isRetired) await this.kill();
      else this.#keepsAlive(false);
    }
  }

  /** Lets the process send another batch. */
  more(): void {
    if (this.#child.connected) this.#child.send({ kind: 'more' }, () => undefined);
  }

  async kill(): Promise<void> {
    this.#isRetired = true;
    this.#child.ref();
    this.#child.kill('SIGKILL');
    await this.#exit.catch(() => undefined);
  }

  #deathOf(code: number | null, signal: NodeJS.Signals | null): PdfProblem {
    // SIGUSR2 is the watching thread's; V8 aborts where its heap is full.
    if (signal === 'SIGUSR2' || signal === 'SIGABRT' || code === 134) {
      const megabytes = Math.round(this.#limits.maxRssBytes / 1e6);
      return { code: 'PDF_TOO_MUCH_MEMORY', detail: `reading it takes more than ${megabytes} MB` };
    }
    throw new ReaderDied(`the process ended with ${signal ?? `code ${code}`}`);
  }

  /** A process without work must not keep ours alive. */
  #keepsAlive(alive: boolean): void {
    const { channel } = this.#child;
    if (alive) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }
}

/** Resolves `overdue` when there was no tick for too long, or when all took too long. */
class ReadingClock {
  readonly overdue: Promise<PdfProblem>;
  readonly #timers: readonly NodeJS.Timeout[];

  constructor({ stallMs, fileMs }: ReaderLimits) {
    const late = createDeferred<PdfProblem>();
    this.overdue = late.promise;
    const timer = (ms: number, what: string): NodeJS.Timeout =>
      setTimeout(() => {
        late.resolve({ code: 'PDF_TOO_SLOW', detail: `${what} ${ms / 1000} s` });
      }, ms).unref();
    this.#timers = [timer(stallMs, 'a page of it takes longer than'), timer(fileMs, 'reading it takes longer than')];
  }

  tick(): void {
    this.#timers[0]?.refresh();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
