import { mkdtemp, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Bucket, type Environment } from './bucket.ts';
import { s3Fault } from './faults.ts';
import { objectFault, readObject } from './objects.ts';
import type { ShardFile } from '../../record/types.ts';
import { errnoOf, fileFault, withFileFaults } from '../file-fault.ts';
import type { LocalFile, ShardFileFault, ShardReader } from '../shard-store.ts';

/** Shards under a prefix of a bucket, for who reads them. */
export class BucketReader implements ShardReader {
  readonly location: string;
  protected readonly bucket: Bucket;

  constructor(location: string, environment: Environment) {
    this.location = location;
    this.bucket = new Bucket(location, environment);
  }

  /** A prefix is there while there are objects. */
  async list(): Promise<string[] | undefined> {
    const sizes = await this.bucket.sizes();
    return sizes.size === 0 ? undefined : [...sizes.keys()];
  }

  verify(file: ShardFile): Promise<ShardFileFault | undefined> {
    return objectFault(this.bucket, file);
  }

  async open(name: string): Promise<LocalFile | undefined> {
    const body = await readObject(this.bucket, name);
    if (body === undefined) return undefined;
    const folder = await withFileFaults('Making a temporary folder', () => mkdtemp(join(tmpdir(), 'embedstream-s3-')));
    const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
    const path = join(folder, name);
    try {
      await pipeline(body, createWriteStream(path));
      return { path, release };
    } catch (error) {
      await release();
      throw errnoOf(error) === 'ENOSPC'
        ? fileFault(`Copying ${name} to ${folder}`, error)
        : s3Fault(`Reading ${this.location}/${name}`, error);
    }
  }

  close(): Promise<void> {
    return this.bucket.close();
  }
}
