import type { GroupLease, LogEngine } from './engine.ts';
import { PartitionFetcher } from './partition-fetcher.ts';
import { closeAfterFailure, PartitionLoop } from './partition-loop.ts';
import type { RunOptions, Task } from './port.ts';
import { sharedReadsOf } from './shared-reads.ts';

const DEFAULT_BATCH_RECORDS = 4_096;
const DEFAULT_BATCH_BYTES = 8 * 1024 * 1024;
const LEAST_SHARE_BYTES = 64 * 1024;
const DEFAULT_QUIET_MS = 2_000;

export interface PartitionRunOptions {
  readonly engine: Pick<LogEngine, 'fetch' | 'observer'>;
  readonly task: Task;
  readonly run: RunOptions;
  readonly topic: string;
  readonly partition: number;
  readonly lease: Pick<GroupLease, 'commit' | 'assertOwner'>;
  /** Left out: the group never committed here. */
  readonly committed: number | undefined;
  /** The partition's end now: where `startAt: 'latest'` begins. */
  readonly endOffset: number;
  /** Where this run ends as known by now; Infinity while following. */
  readonly limit: () => number;
  /** Most bytes of a fetch, as it is when that begins. */
  readonly maxBytes: () => number;
  readonly failure: AbortSignal;
  readonly stop: AbortSignal;
  readonly isRevoked?: () => boolean;
}

/** A task's work on one partition, from `open` to `close`. */
export class PartitionRun {
  readonly #loop: PartitionLoop;
  readonly #fetcher: PartitionFetcher;
  readonly #leave: () => void;

  /** Opens the task; undefined when the run has failed meanwhile. */
  static async open(options: PartitionRunOptions): Promise<PartitionRun | undefined> {
    const { engine, task, run, topic, partition, committed, failure } = options;
    const offset = committed ?? (run.startAt === 'latest' ? options.endOffset : 0);
    const endOffset = options.limit();
    const partitionTask = await task.open({
      ...{ topic, partition, offset, ...(Number.isFinite(endOffset) && { endOffset }) },
      signal: failure,
      assertOwner: () => options.lease.assertOwner(),
    });
    if (failure.aborted) {
      await closeAfterFailure(partitionTask, options.isRevoked?.() === true ? 'revoked' : 'failed');
      return undefined;
    }
    const from = partitionTask.startOffset ?? offset;
    const reader = run.sharedReads && sharedReadsOf(run.sharedReads).join(engine, topic, partition);
    const fetcher = new PartitionFetcher(reader ?? engine, {
      topic,
      partition,
      from,
      limit: options.limit(),
      maxBytes: options.maxBytes,
      maxRecords: run.maxBatchRecords ?? DEFAULT_BATCH_RECORDS,
      signal: failure,
      // What runs of several groups read together is not one's to give back.
      transient: partitionTask.keepsNothing === true && reader === undefined,
      onChange: () => {
        loop.wake();
      },
    });
    const loop = new PartitionLoop(partitionTask, fetcher, {
      topic,
      partition,
      lease: options.lease,
      ...(committed !== undefined && { committed: Math.min(committed, from) }),
      ...(run.until === 'end' ? {} : { quietMs: run.quietMs ?? DEFAULT_QUIET_MS }),
      failure,
      stop: options.stop,
      ...(engine.observer && { observed: { group: task.group, observer: engine.observer } }),
      ...(options.isRevoked !== undefined && { isRevoked: options.isRevoked }),
    });
    return new PartitionRun(loop, fetcher, () => reader?.leave());
  }

  private constructor(loop: PartitionLoop, fetcher: PartitionFetcher, leave: () => void) {
    this.#loop = loop;
    this.#fetcher = fetcher;
    this.#leave = leave;
  }

  /** Until the limit, a stop or an error; the task is closed when it settles. */
  async execute(): Promise<void> {
    try {
      await this.#loop.run();
    } finally {
      this.#leave();
    }
  }

  /** Look again: a signal was aborted. */
  wake(): void {
    this.#loop.wake();
  }

  setLimit(limit: number): void {
    this.#fetcher.setLimit(limit);
  }

  /** Something may have been appended. */
  noteAppend(): void {
    this.#fetcher.noteAppend();
  }
}

/** Bytes of one fetch when `partitions` share what a run may fetch ahead. */
export function shareOfBytes({ maxBatchBytes = DEFAULT_BATCH_BYTES }: RunOptions, partitions: number): number {
  return Math.max(Math.floor(maxBatchBytes / partitions), Math.min(maxBatchBytes, LEAST_SHARE_BYTES));
}
