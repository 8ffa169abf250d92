import type { ShardFile } from '../record/types.ts';

/**
 * Rows for a shard: values of the embeddings topic as they are on the log (Confluent wire format), so that a format
 * may decode them in a worker thread, column by column, with no object a row. `values[i]` was at `offsets[i]`.
 * Deletions are not in here: the shard task keeps them.
 */
export interface ShardRows {
  readonly offsets: Float64Array;
  /** All values one after another; value i is [starts[i], starts[i + 1]). Ownership passes to the writer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** (N + 1,) */
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** A file that is written and fsynced under a temporary name, not yet published. */
export interface StagedFile extends ShardFile {
  readonly stagedPath: string;
}

/** One open shard. Calls never overlap; a shard that is neither finished nor aborted leaves only staged files behind. */
export interface ShardWriter {
  /** Resolves when there is room for more: bounded in bytes. */
  write(rows: ShardRows): Promise<void>;
  /** Closes and fsyncs every file. `shardName` is known only now: it holds the last offset. */
  finish(shardName: string): Promise<readonly StagedFile[]>;
  abort(): Promise<void>;
}

/** A file format of the file sinks. */
export interface ShardFormat {
  /** `parquet`, `npy`. */
  readonly name: string;
  /** Files are staged in `stagingFolder` (on the same file system as the shard folder). */
  open(options: { readonly stagingFolder: string; readonly dimension: number; readonly model: string }): Promise<ShardWriter>;
  close(): Promise<void>;
}
