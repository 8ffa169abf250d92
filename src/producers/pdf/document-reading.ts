import { createDeferred, type Deferred } from '../../models/local/deferred.ts';
import type { Chunk, DocumentFacts, PdfProblem, ReaderReply, ReadRequest } from './messages.ts';
import type { ReaderPool } from './reader-pool.ts';

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
export class DocumentReading {
  readonly #stop = new AbortController();
  readonly #end: Promise<PdfProblem | undefined>;
  #facts: DocumentFacts | undefined;
  #batches: Waiting[] = [];
  #taken = 0;
  /** Chunks to leave out: they were taken before the process died that had read them. */
  #skip = 0;
  #isOver = false;
  #news: Deferred<undefined> = createDeferred();

  constructor(pool: ReaderPool, request: ReadRequest, signal: AbortSignal | undefined) {
    const signals = signal === undefined ? [this.#stop.signal] : [this.#stop.signal, signal];
    this.#end = pool.read(
      request,
      {
        reply: (reply, more) => {
          this.#receive(reply, more);
        },
        restart: () => {
          this.#batches = [];
          this.#skip = this.#taken;
        },
      },
      AbortSignal.any(signals),
    );
    const over = (): void => {
      this.#isOver = true;
      this.#tell();
    };
    this.#end.then(over, over);
  }

  /** Ends the reading, wherever it is. */
  stop(): void {
    this.#stop.abort(new Error('The document is no longer wanted.'));
  }

  /** The chunks, then why there are none or no more. Rejects for faults of the world. */
  async *batches(): AsyncGenerator<ChunkBatch, PdfProblem | undefined> {
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

  #receive(reply: Extract<ReaderReply, { kind: 'document' | 'chunks' }>, more: () => void): void {
    if (reply.kind === 'document') this.#facts = reply.facts;
    else this.#batches.push({ chunks: reply.chunks, more });
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#news;
    this.#news = createDeferred();
    resolve(undefined);
  }
}
