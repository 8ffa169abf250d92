import { DataType, type RecordBatch } from 'apache-arrow';
import { RowReader, type EmbeddingRow } from './embedding-rows.ts';
import { openParquet } from './parquet-batches.ts';
import { metadataPathOf, shardFiles } from './shard-files.ts';
import { fatalError } from '../../errors.ts';

/**
 * Rows of a Parquet file, or of all Parquet files of a folder, one row group in memory at a time. Shards of a sink are
 * an append log: an id may come again, and the later row wins.
 * Errors: FILE_SINK_PARQUET_UNREADABLE, UsageError when there is no such path.
 */
export async function* readParquet(path: string): AsyncGenerator<EmbeddingRow, void, undefined> {
  for (const file of await shardFiles(path, '.parquet')) {
    const shard = await openParquet(file);
    try {
      for (let group = 0; group < shard.rowGroups; group++) {
        for (const batch of await shard.read(group)) {
          const { values, dimension } = vectorsOf(batch, file);
          const reader = new RowReader(batch, shard.metadata);
          for (let i = 0; i < batch.numRows; i++) {
            yield reader.row(i, values.slice(i * dimension, (i + 1) * dimension));
          }
        }
      }
    } finally {
      shard.close();
    }
  }
}

/** What tells the rows of a sink's shards apart. */
export interface ShardKey {
  readonly id: string;
  /** Of the record in the embeddings topic. */
  readonly offset: number;
}

/** The same of N rows. */
export interface ShardKeys {
  readonly rows: number;
  /** UTF-8; the id of row i is [idStarts[i], idStarts[i + 1]). */
  readonly ids: Uint8Array;
  /** (N + 1,) */
  readonly idStarts: Int32Array;
  /** (N,) */
  readonly offsets: Float64Array;
}

/**
 * Ids and offsets of a shard's rows, a row group at a time, without reading vectors.
 * `path`: a `.parquet` or `.npy` file. Errors: FILE_SINK_PARQUET_UNREADABLE.
 */
export async function* readShardKeys(path: string): AsyncGenerator<ShardKeys, void, undefined> {
  const shard = await openParquet(path.endsWith('.npy') ? metadataPathOf(path) : path);
  try {
    for (let group = 0; group < shard.rowGroups; group++)
      for (const batch of await shard.read(group, ['id', 'offset'])) yield keysOf(batch, shard.path);
  } finally {
    shard.close();
  }
}

function keysOf(batch: RecordBatch, path: string): ShardKeys {
  const column = batch.getChild('id')?.data[0];
  const ids: unknown = column?.values;
  const idStarts: unknown = column?.valueOffsets;
  const offsets: unknown = batch.getChild('offset')?.data[0]?.values;
  if (!(ids instanceof Uint8Array && idStarts instanceof Int32Array && offsets instanceof BigInt64Array)) {
    const what = `${path} has no columns "id" of strings and "offset" of int64.`;
    throw fatalError('FILE_SINK_PARQUET_UNREADABLE', what);
  }
  return { rows: batch.numRows, ids, idStarts, offsets: Float64Array.from(offsets, Number) };
}

/** (N, D) floats of a batch's `vector` column. */
function vectorsOf(batch: RecordBatch, path: string): { values: Float32Array; dimension: number } {
  const column = batch.getChild('vector')?.data[0];
  const values: unknown = column?.children[0]?.values;
  if (column === undefined || !DataType.isFixedSizeList(column.type) || !(values instanceof Float32Array)) {
    const what = `${path} has no column "vector" of fixed_size_list<float>.`;
    throw fatalError('FILE_SINK_PARQUET_UNREADABLE', what);
  }
  const dimension = column.type.listSize;
  return { values: values.subarray(column.offset * dimension), dimension };
}
