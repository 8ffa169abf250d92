import type { FinishedShard, ShardOptions, ShardRows } from './port.ts';

/** The part of a shard writer that does the work: in the worker thread, or in this one for tests. Calls never overlap. */
export interface ShardEncoder {
  write(rows: ShardRows): void;
  finish(shardName: string): FinishedShard;
  abort(): void;
}

export type EncoderFormat = 'parquet' | 'npy' | 'jsonl';
export type VectorDtype = 'fp32' | 'fp16';
/** Of text files. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** What a worker needs to open an encoder; it is sent as a message. */
export interface EncoderSpec extends ShardOptions {
  readonly format: EncoderFormat;
  readonly dtype: VectorDtype;
  readonly compression: Compression;
}
