import type { GroupInfo, PartitionOffset, TopicInfo, TopicSpec } from '../port.ts';

/** What the log's handle and its worker thread say to each other. */

export interface TopicRow extends TopicSpec {
  /** Row ids, by partition. */
  readonly partitionIds: readonly number[];
}

/** Records of one partition within an append's buffer: bytes [start, end). */
export interface PackedChunk {
  readonly partitionId: number;
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

export interface AppendedChunk {
  readonly partitionId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** Who writes: checked in the transaction of the write. */
export type Writer =
  | { readonly kind: 'producer'; readonly id: string; readonly epoch: number }
  | { readonly kind: 'group'; readonly id: string; readonly epoch: number };

export interface AppendRequest {
  readonly writer: Writer;
  readonly buffer: ArrayBuffer;
  readonly chunks: readonly PackedChunk[];
  readonly nowMs: number;
  readonly commit?: { readonly partitionId: number; readonly offset: number };
}

export interface FetchRange {
  readonly partitionId: number;
  readonly from: number;
  readonly to: number;
  readonly maxBytes: number;
}

/** Records [start, end) of one batch's bytes. */
export interface FetchedSegment {
  readonly baseOffset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Fetched {
  readonly segments: readonly FetchedSegment[];
  readonly nextOffset: number;
}

export interface AcquireRequest {
  readonly group: string;
  /** Topics that it reads. */
  readonly inputs: readonly string[];
  readonly takeOver: boolean;
  readonly nowMs: number;
}

export interface AcquiredGroup {
  readonly epoch: number;
  readonly committed: readonly { readonly partitionId: number; readonly offset: number }[];
}

export interface CompactionRequest {
  readonly topics?: readonly string[];
  readonly nowMs: number;
  readonly tombstoneRetentionMs: number;
}

/** Calls of the worker: their arguments and results. */
export interface WorkerCalls {
  ensureTopics: { args: readonly TopicSpec[]; result: null };
  topicRows: { args: null; result: readonly TopicRow[] };
  describe: { args: string; result: TopicInfo };
  groups: { args: null; result: readonly GroupInfo[] };
  offsetsAt: { args: { topic: string; timestampMs: number }; result: readonly PartitionOffset[] };
  openProducer: { args: string; result: number };
  append: { args: AppendRequest; result: readonly AppendedChunk[] };
  fetch: { args: FetchRange; result: Fetched };
  acquireGroup: { args: AcquireRequest; result: AcquiredGroup };
  /** Rejects with LOG_FENCED. */
  checkGroup: { args: { group: string; epoch: number }; result: null };
  releaseGroup: { args: { group: string; epoch: number }; result: null };
  resetGroup: { args: { group: string; offsets: readonly { partitionId: number; offset: number }[] }; result: null };
  /** From the answer on, `changed` is sent when another process has committed. */
  watch: { args: boolean; result: null };
  compact: { args: CompactionRequest; result: null };
  /** Compacts first when that is worth it. */
  close: { args: { nowMs: number; tombstoneRetentionMs: number }; result: null };
}

export type WorkerOperation = keyof WorkerCalls;

export interface WorkerCall<Op extends WorkerOperation = WorkerOperation> {
  readonly id: number;
  readonly op: Op;
  readonly args: WorkerCalls[Op]['args'];
}

/** A `PipelineError` on its way between threads. */
export interface ErrorMessage {
  readonly code: string;
  readonly message: string;
  readonly retriable: boolean;
  readonly poison: boolean;
  readonly stack?: string;
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
  | { readonly kind: 'changed' }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ErrorMessage };

export interface WorkerSettings {
  readonly dataDir: string;
  readonly maxLogBytes?: number;
}
