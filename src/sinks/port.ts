import type { ModelFingerprint, ShardFile } from '../record/types.ts';

/**
 * Rows for a shard: values of the embeddings topic as they are on the log (Confluent wire format), so that a format
 * may decode them in a worker thread, column by column, with no object a row. `values[i]` was at `offsets[i]`.
 * Deletions are not in here: the shard task keeps them.
 */
export interface ShardRows {
  readonly offsets: Float64Array<ArrayBuffer>;
  /** All values one after another; value i is [starts[i], starts[i + 1]). Ownership passes to the writer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** (N + 1,) */
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** A file that is written and fsynced under a temporary name, not yet published. */
export interface StagedFile extends ShardFile {
  readonly stagedPath: string;
}

/** What `finish` leaves behind. */
export interface FinishedShard {
  /** In the order in which they are to be published: the file that readers look for comes last. */
  readonly files: readonly StagedFile[];
  /** Every model fingerprint that occurs, sorted. */
  readonly fingerprints: readonly ModelFingerprint[];
}

/** One open shard. Calls never overlap; a shard that is neither finished nor aborted leaves only staged files behind. */
export interface ShardWriter {
  /** Memory for the `bytes` of the next `write`: of at least so many bytes, with anything in it. */
  room(bytes: number): Uint8Array<ArrayBuffer>;
  /** Resolves when there is room for more: bounded in bytes. */
  write(rows: ShardRows): Promise<void>;
  /** Closes and fsyncs every file. What their names begin with is known only now: a shard's name holds its last offset. */
  finish(fileStem: string): Promise<FinishedShard>;
  abort(): Promise<void>;
}

export interface ShardOptions {
  /** On the same file system as the shard folder; it exists. */
  readonly stagingFolder: string;
  readonly dimension: number;
  readonly model: string;
  /** Rows of a full shard: a hint, for formats whose header holds the count. */
  readonly expectedRows?: number;
}

/** A file format of the file sinks. Any number of shards may be open at once. */
export interface ShardFormat {
  /** `parquet`, `npy`, `npy-fp16`, `jsonl`. */
  readonly name: string;
  /** One line that opens a folder of it in Python, `{folder}` stands for the folder. */
  readonly howToRead: string;
  open(options: ShardOptions): Promise<ShardWriter>;
  close(): Promise<void>;
}
