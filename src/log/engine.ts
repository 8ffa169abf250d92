import type { LogRecord, OutputRecord, Task, TopicInfo } from './port.ts';
import type { LogObserver } from './observer.ts';

/**
 * What an adapter gives to the task runner (`runner.ts`) and to `readPartition` (`reading.ts`), which are the same
 * for all adapters that allow one consumer a group. Calls may overlap. Errors are the port's; those that are
 * retriable are retried by the caller.
 */
export interface LogEngine {
  /** Told of what the runs and reads of this engine do. */
  readonly observer?: LogObserver | undefined;
  /** Rejects with LOG_TOPIC_UNKNOWN. Offsets are those of this moment. */
  describe(topic: string): Promise<TopicInfo>;
  /**
   * Committed records of [from, to), at most `maxBytes` of them but at least one if there is one. With none left
   * before `to`, `nextOffset` is `to` or the end of the partition, whichever comes first.
   */
  fetch(request: FetchRequest): Promise<FetchedRecords>;
  /** Rejects with LOG_GROUP_OWNED unless `takeOver`; the older owner is fenced. */
  acquire(task: Pick<Task, 'group' | 'inputs'>, takeOver: boolean): Promise<GroupLease>;
  /**
   * Calls `listener` soon after records may have been appended, by this process or another one; spurious calls are
   * allowed. `touches` tells whether a partition may be meant. Answers once no later append can be missed.
   */
  watch(listener: (touches: (topic: string, partition: number) => boolean) => void): Promise<() => void>;
}

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly maxBytes: number;
  /** Nobody wants the answer any more: it may be empty. */
  readonly signal?: AbortSignal;
}

/** Records that are fetched and not yet handed over; decoded only as they are taken. */
export interface FetchedRecords {
  /** All of them are before this offset, and nothing else is between `from` and it. */
  readonly nextOffset: number;
  isEmpty(): boolean;
  take(maxRecords: number): readonly LogRecord[];
  /** Gives the memory of all records back; those that were taken are not valid any more. */
  release?(): void;
}

/** The right to commit for a group, until it is released or somebody takes it over. */
export interface GroupLease {
  committed(topic: string, partition: number): number | undefined;
  /** Outputs and offset in one transaction, durable when it resolves. Rejects with LOG_FENCED after a take-over. */
  commit(outputs: readonly OutputRecord[], input: InputOffset): Promise<void>;
  /** Rejects with LOG_FENCED after a take-over. */
  assertOwner(): Promise<void>;
  release(): Promise<void>;
}

export interface InputOffset {
  readonly topic: string;
  readonly partition: number;
  /** Left out: unchanged. */
  readonly offset?: number;
}
