import { resolve } from 'node:path';
import { NewFolder } from './new-folder.ts';
import { isS3Location, normalS3Location } from './s3/address.ts';
import { BucketReader } from './s3/bucket-reader.ts';
import { BucketShards } from './s3/bucket-shards.ts';
import type { Environment } from './s3/bucket.ts';
import { NewPrefix } from './s3/new-prefix.ts';
import { FolderReader, ShardFolder } from './shard-folder.ts';
import { folderSegment } from './shard-name.ts';
import type { NewShardFolder, ShardReader, ShardStore } from './shard-store.ts';

/** Here, and nowhere else, folders are told from buckets. `environment`: how buckets are reached. */

/** `--out` as it is always written: absolute, or `s3://bucket/prefix`; with folders below it. @throws UsageError */
export function outLocation(out: string, ...folders: readonly string[]): string {
  return isS3Location(out) ? normalS3Location([out, ...folders].join('/')) : resolve(out, ...folders);
}

export function shardLocation(out: string, folderName: string, model: string): string {
  return outLocation(out, folderName, folderSegment(model));
}

export function openShardReader(location: string, environment: Environment = {}): ShardReader {
  return isS3Location(location) ? new BucketReader(location, environment) : new FolderReader(location);
}

export function openShardStore(location: string, sink: string, environment: Environment = {}): ShardStore {
  return isS3Location(location) ? new BucketShards(location, environment) : new ShardFolder(location, sink);
}

/** @throws UsageError when it is there already. */
export function newShardFolder(location: string, environment: Environment = {}): Promise<NewShardFolder> {
  return isS3Location(location)
    ? NewPrefix.make(normalS3Location(location), environment)
    : NewFolder.make(resolve(location));
}
