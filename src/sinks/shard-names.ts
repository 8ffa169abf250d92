import { batchStem } from './batch-names.ts';
import { parseShardName } from './shard-name.ts';

/** Of the files of a shard folder, the names of its shards and batch files. */
export function shardNames(files: readonly string[]): string[] {
  const names = files.map((file) => file.replace(/(?:\.metadata)?\.(?:parquet|npy)$/, ''));
  return [...new Set(names)]
    .filter((name) => parseShardName(name) !== undefined || batchStem(name) !== undefined)
    .sort();
}
