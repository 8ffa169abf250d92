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

/**
 * Ids and offsets of a shard's rows, a row group at a time, without reading vectors.
 * `path`: a `.parquet` or `.npy` file.
 */
export async function* readShardKeys(path: string): AsyncGenerator<readonly ShardKey[], void, undefined> {
  const shard = await openParquet(path.endsWith('.npy') ? metadataPathOf(path) : path);
  try {
    for (let group = 0; group < shard.rowGroups; group++) {
      const keys: ShardKey[] = [];
      for (const batch of await shard.read(group, ['id', 'offset'])) {
        const ids = batch.getChild('id');
        const offsets = batch.getChild('offset');
        for (let i = 0; i < batch.numRows; i++) keys.push({ id: String(ids?.get(i)), offset: Number(offsets?.get(i)) });
      }
      yield keys;
    }
  } finally {
    shard.close();
  }
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
