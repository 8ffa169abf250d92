import { sendShard, putText } from './bucket-shards.ts';
import { Bucket, type Environment } from './bucket.ts';
import { BucketStaging } from './staging.ts';
import { abortUpload, completeUpload } from './uploads.ts';
import { UsageError } from '../../errors.ts';
import type { ShardFile } from '../../record/types.ts';
import { MANIFEST_NAME } from '../manifest.ts';
import type { StagedShard } from '../open-shard.ts';
import type { NewShardFolder } from '../shard-store.ts';

/**
 * A prefix for one clean set. Objects can't appear all in one step: they are sent first, completed one right after the
 * other, and the manifest, which says that the set is whole, comes last.
 */
export class NewPrefix implements NewShardFolder {
  readonly location: string;
  readonly #bucket: Bucket;
  readonly #staging: BucketStaging;
  readonly #sent: ShardFile[] = [];

  private constructor(location: string, environment: Environment) {
    this.location = location;
    this.#bucket = new Bucket(location, environment);
    this.#staging = new BucketStaging(location);
  }

  static async make(location: string, environment: Environment): Promise<NewPrefix> {
    const made = new NewPrefix(location, environment);
    if ((await made.#bucket.sizes()).size > 0)
      throw new UsageError(`${location} is there already; a snapshot goes to a new prefix.`);
    await made.#staging.empty(made.stagingFolder);
    return made;
  }

  get stagingFolder(): string {
    return this.#staging.path;
  }

  async add(shard: StagedShard): Promise<void> {
    this.#sent.push(...(await sendShard(this.#bucket, shard)).files);
  }

  async appear(manifest: string): Promise<void> {
    for (const file of this.#sent) await completeUpload(this.#bucket, file);
    await putText(this.#bucket, MANIFEST_NAME, manifest);
    this.#sent.length = 0;
  }

  async close(): Promise<void> {
    try {
      for (const { name, upload } of this.#sent)
        if (upload !== undefined) await abortUpload(this.#bucket, this.#bucket.key(name), upload.id);
    } finally {
      await this.#staging.close();
      await this.#bucket.close();
    }
  }
}
