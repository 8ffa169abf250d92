import { mkdtemp, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { Bucket, type Environment } from './bucket.ts';
import { faultOf, s3Fault } from './faults.ts';
import { headOf, isOurs } from './uploads.ts';
import type { ShardFile } from '../../record/types.ts';
import { errnoOf, fileFault, withFileFaults } from '../file-fault.ts';
import { sha256OfFile } from '../publish.ts';
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

  /** By what the server says of the object; one that was copied or put there by other means is read. */
  async verify(file: ShardFile): Promise<ShardFileFault | undefined> {
    const head = await headOf(this.bucket, file.name);
    if (head === undefined) return 'missing';
    if (head.ContentLength !== file.bytes) return 'size';
    if (isOurs(head, file)) return undefined;
    const copy = await this.open(file.name);
    if (copy === undefined) return 'missing';
    try {
      return (await sha256OfFile(copy.path)) === file.sha256 ? undefined : 'checksum';
    } finally {
      await copy.release();
    }
  }

  async open(name: string): Promise<LocalFile | undefined> {
    const folder = await withFileFaults('Making a temporary folder', () => mkdtemp(join(tmpdir(), 'embedstream-s3-')));
    const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
    const path = join(folder, name);
    try {
      const key = { Bucket: this.bucket.name, Key: this.bucket.key(name) };
      const { Body: body } = await this.bucket.ask('', (s3) => s3.getObject(key), true);
      // In Node a body is a stream of Node.
      await pipeline(body as Readable, createWriteStream(path));
      return { path, release };
    } catch (error) {
      await release();
      if (faultOf(error).status === 404) return undefined;
      throw errnoOf(error) === 'ENOSPC'
        ? fileFault(`Copying ${name} to ${folder}`, error)
        : s3Fault(`Reading ${this.location}/${name}`, error);
    }
  }

  close(): Promise<void> {
    return this.bucket.close();
  }
}
