import type { FinishedShard, ShardOptions, ShardRows } from './port.ts';

/** The part of a shard writer that does the work: in the worker thread, or in this one for tests. Calls never overlap. */
export interface ShardEncoder {
  write(rows: ShardRows): void;
  finish(shardName: string): FinishedShard;
  abort(): void;
}

/** Of shards. */
export type ShardFormatName = 'parquet' | 'npy' | 'jsonl';
/** Of single files: JSON v1.0, a vector store's export as one document or as lines, one matrix with its rows. */
export type SingleForm = 'json' | 'vector-store' | 'vector-store-jsonl' | 'npy-single';
export type EncoderFormat = ShardFormatName | SingleForm;
export type VectorDtype = 'fp32' | 'fp16';
/** Of text files. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** What a worker needs to open an encoder; it is sent as a message. */
export interface EncoderSpec extends ShardOptions {
  readonly format: EncoderFormat;
  readonly dtype: VectorDtype;
  readonly compression: Compression;
  /** Of a single file, milliseconds since the epoch. */
  readonly createdMs: number;
}
