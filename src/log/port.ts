/**
 * The log port. Everything above it is the same on Kafka, on the embedded log and in memory.
 *
 * The port drives tasks, as Kafka Streams does, so that one place only ever commits: `Log.run` fetches, calls the
 * task, and writes the task's outputs and the consumed offset in one transaction. A crash, a frozen owner that wakes
 * up, or a rebalance yields neither a lost nor a second output.
 *
 * Errors: every method rejects with `PipelineError`. Codes: LOG_RECORD_TOO_LARGE, LOG_TOPIC_UNKNOWN,
 * LOG_PARTITION_MISMATCH, LOG_GROUP_OWNED, LOG_FENCED, LOG_DISK_FULL, LOG_UNREADABLE, LOG_CLOSED, LOG_BUSY (retriable),
 * LOG_OFFSET_INVALID (a task committed what it was not handed), and where there is a server LOG_NOT_AUTHENTICATED,
 * LOG_NOT_AUTHORIZED, LOG_TLS_FAILED, LOG_GROUP_REFUSED, LOG_REFUSED. None of them is the record's fault unless `poison` says
 * so. What a task itself throws passes through `run` as it is.
 */

/** Largest key + value + headers of one record, in bytes. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

export type Headers = Readonly<Record<string, Uint8Array>>;

/** A record as read. `key` and `value` are views that stay valid, but keep their whole batch in memory. */
export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** null is a deletion of the key. */
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

/** A record to append. */
export interface OutputRecord {
  readonly topic: string;
  /** Left out: murmur2 of the key, as Java's default partitioner; a null key goes to partition 0. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: Headers;
  /** Left out: now. */
  readonly timestampMs?: number;
}

export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  /** In offset order. Offsets may have gaps (compaction, transactions); never repeats. */
  readonly records: readonly LogRecord[];
  /** Where reading goes on after this batch; past gaps. */
  readonly nextOffset: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly cleanup: 'compact' | 'delete';
  /** How a server stores it; left out: none. Logs without a server ignore it. */
  readonly compression?: 'zstd' | 'none';
}

export interface PartitionInfo {
  readonly partition: number;
  /** Offset of the first record that may still be there. */
  readonly startOffset: number;
  /** Offset that the next record will get. */
  readonly endOffset: number;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
}

export interface TopicInfo extends TopicSpec {
  readonly partitionInfo: readonly PartitionInfo[];
}

/** One who runs a group. */
export interface GroupMember {
  /** Who, in words: "pid 4711 on host since …", or client id and host. */
  readonly name: string;
  /** What it works on; empty while it has nothing. */
  readonly assigned: readonly { readonly topic: string; readonly partition: number }[];
}

export interface GroupInfo {
  readonly group: string;
  /** Next offset to read, for each partition that was ever committed. */
  readonly committed: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
  /** Who runs the group now; empty when nobody does. */
  readonly members: readonly GroupMember[];
}

export interface AppendedRange {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/**
 * A producer outside a task (a source's publisher). `append` is one transaction: all of the records or none, durable
 * when it resolves. Opening the same id again fences the older one: its next append rejects with LOG_FENCED.
 * Calls must not overlap.
 */
export interface TransactionalProducer {
  append(records: readonly OutputRecord[]): Promise<readonly AppendedRange[]>;
  close(): Promise<void>;
}

/** What a task has finished: `outputs` and `offset` are written in one transaction. */
export interface Progress {
  readonly outputs: readonly OutputRecord[];
  /** Next offset to read: the work on everything before it is durable or is in `outputs`. Left out: unchanged. */
  readonly offset?: number;
}

/** A task's work on one partition. Calls of one instance never overlap. */
export interface PartitionTask {
  /**
   * Reading begins here in place of the group's offset, which then follows from here: state that `open` restored may
   * show that all has to be read again. Looked at once, after `open`; never beyond the group's offset.
   */
  readonly startOffset?: number;
  /** Once a `process` has resolved, nothing of its records is used any more: their memory is given back. Default false. */
  readonly keepsNothing?: boolean;
  /**
   * Records in offset order. May keep work in flight and answer with what earlier calls began; must wait when it
   * holds too much. A thrown error ends the run (nothing of this call is committed).
   */
  process(records: readonly LogRecord[]): Promise<Progress>;
  /**
   * Finish all that is in flight and answer with it. Called at the end of a bounded input (`end`), after
   * `quietMs` without a record (`quiet`), and before a clean stop (`stop`).
   */
  idle(reason: 'end' | 'quiet' | 'stop'): Promise<Progress>;
  /** The transaction of an earlier `Progress` has been committed. Publishing what was staged belongs here. */
  committed?(progress: Progress): Promise<void>;
  /** Release everything. Uncommitted work is dropped, not flushed (that was `idle`). */
  close(reason: 'done' | 'revoked' | 'failed'): Promise<void>;
}

export interface PartitionContext {
  readonly topic: string;
  readonly partition: number;
  /** Next offset this group will read here. */
  readonly offset: number;
  /** Where a bounded run ends: one past the last offset that it may hand over. Left out where that is not known. */
  readonly endOffset?: number;
  readonly signal: AbortSignal;
  /**
   * Rejects with LOG_FENCED when this process may no longer own the partition, however long it was frozen before the call.
   * For tasks that write to what no transaction of the log can fence; to be awaited right before each such write.
   */
  readonly assertOwner: () => Promise<void>;
}

export interface Task {
  readonly group: string;
  readonly inputs: readonly string[];
  /** Restore state here: it is called each time the partition is assigned, before any record of it. */
  open(context: PartitionContext): Promise<PartitionTask>;
}

export interface RunOptions {
  /** Where a group without a committed offset begins. Default `earliest`. */
  readonly startAt?: 'earliest' | 'latest';
  /**
   * `end`: stop at the end of the inputs as seen at the start. A promise: follow until it settles, then stop at the
   * end as seen then. Left out: follow until `signal`.
   */
  readonly until?: 'end' | Promise<unknown>;
  /** A clean stop: what is in flight is finished (`idle('stop')`), committed, and the run resolves. */
  readonly signal?: AbortSignal;
  /** Most records in one `process` call. Default 4,096. */
  readonly maxBatchRecords?: number;
  /**
   * Most bytes in one `process` call, and fetched ahead of it, shared by the run's partitions (with at least 64 KiB each);
   * at least one record is always handed over. Default 8 MiB.
   */
  readonly maxBatchBytes?: number;
  /** A pause this long in a followed input counts as quiet. Default 2,000. */
  readonly quietMs?: number;
  /** Take the group from an owner that still holds it (it is fenced: its next commit fails with LOG_FENCED). */
  readonly takeOver?: boolean;
  /**
   * Any object: runs of several groups on the same topics of this log that are given the same one share what they
   * fetch, so that each record is fetched once, as long as none of them is more than 64 MiB behind the others.
   */
  readonly sharedReads?: object;
}

export interface ReadOptions {
  /**
   * A batch's records are valid only until the next batch is asked for: their memory is then given back at once, where
   * the log can do so. A reader of a whole topic would otherwise wait for the collector with 100 MB and more.
   */
  readonly transient?: boolean;
  readonly maxBatchBytes?: number;
  readonly signal?: AbortSignal;
}

export interface CompactOptions {
  /** Compact only these topics; left out: every `compact` topic. */
  readonly topics?: readonly string[];
  /** A deletion stays at least this long, and until every group has read past it. Default 24 h. */
  readonly tombstoneRetentionMs?: number;
}

export interface Log {
  /** Creates what is missing. Rejects with LOG_PARTITION_MISMATCH when a topic is there with another partition count. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** All topics, by name. */
  topics(): Promise<readonly TopicInfo[]>;
  groups(): Promise<readonly GroupInfo[]>;
  producer(transactionalId: string): Promise<TransactionalProducer>;
  /**
   * Runs a task until its end, a stop or an error. Rejects with LOG_GROUP_OWNED when this log allows one consumer a
   * group and another one is alive. The task's partitions are all closed when it settles.
   */
  run(task: Task, options?: RunOptions): Promise<void>;
  /** Committed records of one partition in [from, to), without a group. */
  read(topic: string, partition: number, from: number, to: number, options?: ReadOptions): AsyncIterable<RecordBatch>;
  /**
   * For each partition, the offset of the first record of this time (milliseconds since the epoch) or later, in offset
   * order; the partition's end where there is none. Rejects with LOG_TOPIC_UNKNOWN.
   */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]>;
  /** Sets a group's next offsets. Rejects with LOG_GROUP_OWNED while it runs. */
  resetGroup(group: string, offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<void>;
  /** Keeps the latest record of each key in compacted topics. A no-op where the server does it by itself. */
  compact(options?: CompactOptions): Promise<void>;
  close(): Promise<void>;
}
