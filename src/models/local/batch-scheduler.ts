import { fatalError, poisonError, type PipelineError } from '../../errors.ts';
import type { InferenceWorkers, Job, JobReply } from './inference-workers.ts';
import { LengthPool } from './length-pool.ts';
import { textChunks } from './text-chunks.ts';
import type { EmbedWindow, TextRow } from './window.ts';

export interface BatchSchedulerOptions {
  readonly workers: InferenceWorkers;
  readonly batchTokens: number;
  readonly pads: boolean;
  readonly model: string;
}

interface QueuedJob {
  readonly job: Job;
  readonly onReply: (reply: JobReply) => void;
}

/**
 * Keeps every worker busy while any window has work: texts are tokenised first (a window's rows can only be sorted once
 * all of its lengths are known), then batches are taken from one pool across all windows.
 */
export class BatchScheduler {
  readonly #options: BatchSchedulerOptions;
  readonly #pool: LengthPool<TextRow>;
  readonly #windows = new Set<EmbedWindow>();
  /** Jobs that go before any new batch: tokenising, and the parts of a batch that failed. */
  #urgent: QueuedJob[] = [];
  /** A row that this model has embedded, to tell a faulty input from a faulty model. */
  #proven: TextRow | undefined;
  #failure: PipelineError | undefined;

  constructor(options: BatchSchedulerOptions) {
    this.#options = options;
    this.#pool = new LengthPool({ batchTokens: options.batchTokens, pads: options.pads });
    options.workers.keepProcessAlive(false);
    void options.workers.death.then((error) => {
      this.fail(error);
    });
  }

  add(window: EmbedWindow): void {
    if (this.#failure) {
      window.reject(this.#failure);
      return;
    }
    if (window.settled) return;
    this.#windows.add(window);
    this.#options.workers.keepProcessAlive(true);
    for (const [first, end] of textChunks(window.texts)) {
      const job: Job = { kind: 'tokenise', texts: window.texts.slice(first, end) };
      this.#urgent.push({
        job,
        onReply: (reply) => {
          if (reply.kind === 'tokenised' && window.acceptTokens(first, reply) && !window.settled) {
            this.#pool.add(window.rows);
          } else if (reply.kind === 'failed') {
            this.fail(this.#modelFailed(reply.reason));
          }
        },
      });
    }
    this.#dispatch();
  }

  /** Ends one window with `reason`; what of it is with a worker comes back unused. */
  drop(window: EmbedWindow, reason: unknown): void {
    window.reject(reason);
    this.#pool.remove(window.rows);
    this.#forget(window);
  }

  /** Ends every window; the embedder is of no use afterwards. */
  fail(error: PipelineError): void {
    this.#failure ??= error;
    this.#urgent = [];
    for (const window of this.#windows) this.drop(window, this.#failure);
  }

  async close(): Promise<void> {
    this.fail(fatalError('EMBEDDER_CLOSED', `The model ${this.#options.model} has been closed.`));
    await this.#options.workers.close();
  }

  #dispatch(): void {
    while (!this.#failure && this.#options.workers.hasRoom) {
      const next = this.#urgent.shift() ?? this.#nextBatch();
      if (!next) return;
      this.#options.workers.submit(next.job, (reply) => {
        if (this.#failure) return;
        next.onReply(reply);
        this.#dispatch();
      });
    }
  }

  #nextBatch(): QueuedJob | undefined {
    const rows = this.#pool.take();
    return rows && this.#batchJob(rows);
  }

  #batchJob(rows: readonly TextRow[]): QueuedJob {
    return {
      job: embedJob(rows),
      onReply: (reply) => {
        this.#acceptBatch(rows, reply);
      },
    };
  }

  #acceptBatch(rows: readonly TextRow[], reply: JobReply): void {
    if (reply.kind === 'failed') {
      this.#narrowDown(rows, reply.reason);
    } else if (reply.kind === 'embedded') {
      const unusable = new Set(reply.unusable);
      rows.forEach(({ window, text }, row) => {
        if (unusable.has(row)) {
          const reason = `The model ${this.#options.model} gives no finite vector for this text.`;
          window.fail(text, poisonError('EMBEDDING_NOT_FINITE', reason));
        } else {
          window.acceptVector(text, reply.vectors, row);
        }
        if (window.settled) this.#forget(window);
      });
      if (!this.#proven && unusable.size === 0) this.#proven = copyOf(rows[0]);
    }
  }

  /** A batch failed: halve it until the row that fails alone is found, and see that the model itself still works. */
  #narrowDown(rows: readonly TextRow[], reason: string): void {
    const [row] = rows;
    if (rows.length > 1) {
      const middle = Math.ceil(rows.length / 2);
      this.#urgent.unshift(this.#batchJob(rows.slice(0, middle)), this.#batchJob(rows.slice(middle)));
    } else if (row && this.#proven) {
      const onReply = (reply: JobReply): void => {
        if (reply.kind === 'failed') {
          this.fail(this.#modelFailed(reply.reason));
          return;
        }
        row.window.fail(
          row.text,
          poisonError('INPUT_NOT_EMBEDDABLE', `The model ${this.#options.model} fails on this text alone: ${reason}.`),
        );
        if (row.window.settled) this.#forget(row.window);
      };
      this.#urgent.unshift({ job: embedJob([this.#proven]), onReply });
    } else {
      this.fail(this.#modelFailed(reason));
    }
  }

  #forget(window: EmbedWindow): void {
    this.#windows.delete(window);
    if (this.#windows.size === 0) this.#options.workers.keepProcessAlive(false);
  }

  #modelFailed(reason: string): PipelineError {
    return fatalError(
      'MODEL_FAILED',
      `The model ${this.#options.model} failed: ${reason}. Start the command again; with less memory in use, ` +
        'or fewer --workers, if memory ran out.',
    );
  }
}

/** The ids are copied, as they are transferred to the worker and a failed batch is tried again. */
function embedJob(rows: readonly TextRow[]): Job {
  const ids = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let position = 0;
  for (const row of rows) {
    ids.set(row.ids, position);
    position += row.length;
  }
  return { kind: 'embed', ids, lengths: Uint32Array.from(rows, (row) => row.length) };
}

/** Without the rest of its chunk's ids in tow. */
function copyOf(row: TextRow | undefined): TextRow | undefined {
  return row && { ...row, ids: row.ids.slice() };
}
