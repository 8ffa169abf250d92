import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BucketReader } from './bucket-reader.ts';
import type { Bucket, Environment } from './bucket.ts';
import { BucketStaging } from './staging.ts';
import { abortUploads, completeUpload, uploadFile } from './uploads.ts';
import type { ShardDescriptor, ShardFile } from '../../record/types.ts';
import { batchPartition } from '../batch-names.ts';
import type { StagedShard } from '../open-shard.ts';
import { partitionPrefix } from '../shard-name.ts';
import type { ShardStore } from '../shard-store.ts';

/**
 * Shards of a sink under a prefix of a bucket. A file is sent as a multipart upload before its shard is committed: the
 * upload's id and parts are in the descriptor, so that any process can complete it, and nobody sees it before. What was
 * sent and never committed is aborted by the partition's next owner.
 */
export class BucketShards extends BucketReader implements ShardStore {
  readonly #staging: BucketStaging;

  constructor(location: string, environment: Environment) {
    super(location, environment);
    this.#staging = new BucketStaging(location);
  }

  stagingPath(topic: string, partition: number): string {
    return join(this.#staging.path, partitionPrefix(topic, partition));
  }

  async restore(topic: string, partition: number, committed: readonly ShardDescriptor[]): Promise<void> {
    await this.#staging.empty(this.stagingPath(topic, partition));
    const sizes = committed.length === 0 ? new Map<string, number>() : await this.bucket.sizes();
    const files = committed.flatMap((shard) => shard.files);
    for (const file of files) if (sizes.get(file.name) !== file.bytes) await completeUpload(this.bucket, file);
    const prefix = `${partitionPrefix(topic, partition)}+`;
    const isOfPartition = (name: string): boolean =>
      name.startsWith(prefix) || name.startsWith(`_${prefix}`) || batchPartition(name) === partition;
    await abortUploads(this.bucket, isOfPartition, new Set(files.flatMap(({ upload }) => upload?.id ?? [])));
  }

  send(shard: StagedShard): Promise<ShardDescriptor> {
    return sendShard(this.bucket, shard);
  }

  async publish(shards: readonly ShardDescriptor[]): Promise<void> {
    for (const shard of shards) for (const file of shard.files) await completeUpload(this.bucket, file);
  }

  async remove(files: readonly ShardFile[]): Promise<void> {
    for (const { name } of files)
      await this.bucket.ask(`Removing ${name}`, (s3) =>
        s3.deleteObject({ Bucket: this.bucket.name, Key: this.bucket.key(name) }),
      );
  }

  replaceText(name: string, text: string): Promise<void> {
    return putText(this.bucket, name, text);
  }

  override async close(): Promise<void> {
    await this.#staging.close();
    await super.close();
  }
}

/** Sends every file of a staged shard; answers with the descriptor that says how to complete them. */
export async function sendShard(bucket: Bucket, { descriptor, stagedPaths }: StagedShard): Promise<ShardDescriptor> {
  const files: ShardFile[] = [];
  for (const [i, file] of descriptor.files.entries()) {
    const path = stagedPaths[i] ?? '';
    files.push({ ...file, upload: await uploadFile(bucket, file, path) });
    await rm(path, { force: true });
  }
  return { ...descriptor, files };
}

export async function putText(bucket: Bucket, name: string, text: string): Promise<void> {
  const type = name.endsWith('.json') ? { ContentType: 'application/json' } : {};
  await bucket.ask(`Writing ${name}`, (s3) =>
    s3.putObject({ Bucket: bucket.name, Key: bucket.key(name), Body: text, ...type }),
  );
}
