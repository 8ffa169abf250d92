import { fatalError, poisonError, type PipelineError } from '../../errors.ts';
import type { InferenceWorkers, Job, JobReply } from './inference-workers.ts';
import { isOutOfMemory } from './out-of-memory.ts';
import type { EmbedWindow, WindowRow } from './window.ts';

/** Rows that wait, cut into batches. */
export interface RowPool<Row> {
  add(rows: readonly Row[]): void;
  remove(rows: Iterable<Row>): void;
  /** The next batch; undefined when nothing waits. */
  take(): Row[] | undefined;
  /** These rows were too much memory for one batch: none from now on is more than half as large. */
  shrink(rows: readonly Row[]): void;
}

export interface BatchSchedulerOptions<Row> {
  readonly workers: InferenceWorkers;
  readonly pool: RowPool<Row>;
  readonly model: string;
  /** What a row is, for messages. */
  readonly unit: 'text' | 'image';
  /** The rows' data is transferred to the worker, and a failed batch is tried again: it must be a copy. */
  readonly jobOf: (rows: readonly Row[]) => Job;
  /** The row without anything that it needn't keep in memory. */
  readonly copyOf: (row: Row) => Row;
}

interface QueuedJob {
  readonly job: Job;
  readonly onReply: (reply: JobReply) => void;
}

/**
 * Keeps every worker busy while any window has work: a window's rows are prepared first (texts can only be sorted by
 * length once all of them are tokenised), then batches are taken from one pool across all windows.
 */
export class BatchScheduler<Row extends WindowRow> {
  readonly #options: BatchSchedulerOptions<Row>;
  readonly #windows = new Set<EmbedWindow<Row>>();
  /** Jobs that go before any new batch: preparations, and the parts of a batch that failed. */
  #urgent: QueuedJob[] = [];
  /** A row that this model has embedded, to tell a faulty input from a faulty model. */
  #proven: Row | undefined;
  #failure: PipelineError | undefined;
  /** Jobs that the workers have. */
  #running = 0;
  /** Rows for which memory did not suffice even without another in the batch: they run with no other job at work. */
  #starved: QueuedJob[] = [];
  #isAlone = false;

  constructor(options: BatchSchedulerOptions<Row>) {
    this.#options = options;
    options.workers.keepProcessAlive(false);
    void options.workers.death.then((error) => {
      this.fail(error);
    });
  }

  /** Answers the window; ends it with the signal's reason when that is aborted first. */
  async run<Window extends EmbedWindow<Row>>(window: Window, signal?: AbortSignal): Promise<Window['result']> {
    const abort = (): void => {
      this.#drop(window, signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#add(window);
      return await window.promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends every window; the embedder is of no use afterwards. */
  fail(error: PipelineError): void {
    this.#failure ??= error;
    this.#urgent = [];
    this.#starved = [];
    for (const window of this.#windows) this.#drop(window, this.#failure);
  }

  async close(): Promise<void> {
    this.fail(fatalError('EMBEDDER_CLOSED', `The model ${this.#options.model} has been closed.`));
    await this.#options.workers.close();
  }

  #add(window: EmbedWindow<Row>): void {
    if (this.#failure) {
      window.reject(this.#failure);
      return;
    }
    if (window.settled) return;
    this.#windows.add(window);
    this.#options.workers.keepProcessAlive(true);
    if (window.preparations.length === 0) this.#options.pool.add(window.rows);
    for (const { job, accept } of window.preparations) {
      const onReply = (reply: JobReply): void => {
        if (reply.kind === 'failed') this.fail(this.#modelFailed(reply.reason));
        else if (accept(reply) && !window.settled) this.#options.pool.add(window.rows);
      };
      this.#urgent.push({ job, onReply });
    }
    this.#dispatch();
  }

  /** Ends one window with `reason`; what of it is with a worker comes back unused. */
  #drop(window: EmbedWindow<Row>, reason: unknown): void {
    window.reject(reason);
    this.#options.pool.remove(window.rows);
    this.#forget(window);
  }

  #dispatch(): void {
    while (!this.#failure && this.#options.workers.hasRoom) {
      const next = this.#next();
      if (!next) return;
      this.#running++;
      this.#options.workers.submit(next.job, (reply) => {
        this.#running--;
        this.#isAlone = false;
        if (this.#failure) return;
        next.onReply(reply);
        this.#dispatch();
      });
    }
  }

  #next(): QueuedJob | undefined {
    if (this.#isAlone) return undefined;
    if (this.#starved.length === 0) return this.#urgent.shift() ?? this.#nextBatch();
    if (this.#running > 0) return undefined;
    this.#isAlone = true;
    return this.#starved.shift();
  }

  #nextBatch(): QueuedJob | undefined {
    const rows = this.#options.pool.take();
    return rows && this.#batchJob(rows);
  }

  #batchJob(rows: readonly Row[]): QueuedJob {
    return {
      job: this.#options.jobOf(rows),
      onReply: (reply) => {
        this.#acceptBatch(rows, reply);
      },
    };
  }

  #acceptBatch(rows: readonly Row[], reply: JobReply): void {
    if (reply.kind === 'failed') {
      if (isOutOfMemory(reply.reason)) this.#halve(rows, reply.reason);
      else this.#narrowDown(rows, reply.reason);
    } else if (reply.kind === 'embedded') {
      const { model, unit } = this.#options;
      const refused = new Map(reply.refused?.map((refusal) => [refusal.row, refusal]));
      const unusable = new Set(reply.unusable);
      rows.forEach((row, index) => {
        const refusal = refused.get(index);
        if (refusal !== undefined) {
          row.window.fail(row.unit, poisonError(refusal.code, `The ${unit} can't be read: ${refusal.reason}.`));
        } else if (unusable.has(index)) {
          const reason = `The model ${model} gives no finite vector for this ${unit}.`;
          row.window.fail(row.unit, poisonError('EMBEDDING_NOT_FINITE', reason));
        } else {
          row.window.acceptVector(row.unit, reply.vectors, index);
          this.#proven ??= this.#options.copyOf(row);
        }
        if (row.window.settled) this.#forget(row.window);
      });
    }
  }

  /** Never the input's fault: it is cut to what the model reads. */
  #halve(rows: readonly Row[], reason: string): void {
    if (rows.length > 1) {
      this.#options.pool.shrink(rows);
      this.#splitInTwo(rows);
      return;
    }
    const { job } = this.#batchJob(rows);
    const onReply = (reply: JobReply): void => {
      if (reply.kind === 'failed' && isOutOfMemory(reply.reason)) this.fail(this.#tooSmall(reason));
      else this.#acceptBatch(rows, reply);
    };
    this.#starved.push({ job, onReply });
  }

  #splitInTwo(rows: readonly Row[]): void {
    const middle = Math.ceil(rows.length / 2);
    this.#urgent.unshift(this.#batchJob(rows.slice(0, middle)), this.#batchJob(rows.slice(middle)));
  }

  /** A batch failed: halve it until the row that fails alone is found, and see that the model itself still works. */
  #narrowDown(rows: readonly Row[], reason: string): void {
    const { model, unit } = this.#options;
    const [row] = rows;
    if (rows.length > 1) {
      this.#splitInTwo(rows);
    } else if (row && this.#proven) {
      const onReply = (reply: JobReply): void => {
        if (reply.kind === 'failed') {
          this.fail(this.#modelFailed(reply.reason));
          return;
        }
        row.window.fail(
          row.unit,
          poisonError('INPUT_NOT_EMBEDDABLE', `The model ${model} fails on this ${unit} alone: ${reason}.`),
        );
        if (row.window.settled) this.#forget(row.window);
      };
      this.#urgent.unshift({ job: this.#options.jobOf([this.#proven]), onReply });
    } else {
      this.fail(this.#modelFailed(reason));
    }
  }

  #forget(window: EmbedWindow<WindowRow>): void {
    this.#windows.delete(window as EmbedWindow<Row>);
    if (this.#windows.size === 0) this.#options.workers.keepProcessAlive(false);
  }

  #tooSmall(reason: string): PipelineError {
    const { model, unit } = this.#options;
    return fatalError(
      'MODEL_OUT_OF_MEMORY',
      `The model ${model} has not enough memory for one ${unit}, with nothing else at work: ${reason}. Start the command again ` +
        'with more memory, fewer --workers or a smaller model.',
    );
  }

  #modelFailed(reason: string): PipelineError {
    return fatalError(
      'MODEL_FAILED',
      `The model ${this.#options.model} failed: ${reason}. Start the command again; with less memory in use, ` +
        'or fewer --workers, if memory ran out.',
    );
  }
}
