import { createDeferred, type Deferred } from '../../models/local/deferred.ts';
import type { Chunk, DocumentFacts, PdfProblem, ReaderReply, ReadRequest } from './messages.ts';
import type { ReaderPool, ReadingEvents } from './reader-pool.ts';
import type { Turn } from './reading-turns.ts';

export interface ChunkBatch {
  readonly facts: DocumentFacts;
  /** 1-based number of the first chunk. */
  readonly first: number;
  readonly chunks: readonly Chunk[];
}

interface Waiting {
  readonly chunks: readonly Chunk[];
  readonly more: () => void;
}

/** One document on its way: reading begins at once, and its chunks wait here until they are asked for. */
export class DocumentReading implements ReadingEvents {
  readonly #stop = new AbortController();
  readonly #stopped: AbortSignal;
  readonly #turn: Turn;
  readonly #wanted = createDeferred<undefined>();
  readonly #end: Promise<PdfProblem | undefined>;
  #facts: DocumentFacts | undefined;
  #batches: Waiting[] = [];
  #taken = 0;
  /** Chunks to leave out: they were taken before the process died that had read them. */
  #skip = 0;
  #isOver = false;
  #news: Deferred<undefined> = createDeferred();

  constructor(pool: ReaderPool, request: ReadRequest, signal: AbortSignal | undefined) {
    this.#turn = pool.turns.take();
    this.#stopped = signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    this.#end = this.#readIn(pool, request);
    const over = (): void => {
      this.#isOver = true;
      this.#turn.endReading();
      this.#tell();
    };
    this.#end.then(over, over);
  }

  async #readIn(pool: ReaderPool, request: ReadRequest): Promise<PdfProblem | undefined> {
    const { promise: stopped, reject } = createDeferred<never>();
    const signal = this.#stopped;
    const onAbort = (): void => {
      this.#turn.leave();
      reject(signal.reason);
    };
    stopped.catch(() => undefined);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#turn.granted, stopped]);
      return await pool.read(request, this, { signal, wanted: this.#wanted.promise });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the reading, wherever it is. */
  stop(): void {
    this.#stop.abort(new Error('The document is no longer wanted.'));
    this.#turn.leave();
  }

  /** The chunks, then why there are none or no more. Rejects for faults of the world. */
  async *batches(): AsyncGenerator<ChunkBatch, PdfProblem | undefined> {
    this.#turn.hurry();
    this.#wanted.resolve(undefined);
    for (;;) {
      const next = this.#batches.shift();
      if (next === undefined) {
        if (this.#isOver) return await this.#end;
        await this.#news.promise;
        continue;
      }
      next.more();
      const chunks = next.chunks.slice(this.#skip);
      this.#skip -= next.chunks.length - chunks.length;
      if (this.#facts === undefined || chunks.length === 0) continue;
      const first = this.#taken + 1;
      this.#taken += chunks.length;
      yield { facts: this.#facts, first, chunks };
    }
  }

  /** What the document says of itself; there once its chunks are. */
  get facts(): DocumentFacts | undefined {
    return this.#facts;
  }

  reply(reply: Extract<ReaderReply, { kind: 'document' | 'chunks' }>, more: () => void): void {
    if (reply.kind === 'document') this.#facts = reply.facts;
    else this.#batches.push({ chunks: reply.chunks, more });
    this.#tell();
  }

  restart(): void {
    this.#batches = [];
    this.#skip = this.#taken;
  }

  #tell(): void {
    const { resolve } = this.#news;
    this.#news = createDeferred();
    resolve(undefined);
  }
}
