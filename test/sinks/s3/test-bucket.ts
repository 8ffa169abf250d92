import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { S3 } from '@aws-sdk/client-s3';
import { s3Client, type S3Server } from '../../services/index.ts';

/** A bucket of a test's own, looked at through a client of its own. */
export class TestBucket {
  readonly name = `test-${randomBytes(6).toString('hex')}`;
  readonly url = `s3://${this.name}`;
  readonly s3: S3;

  private constructor(server: S3Server) {
    this.s3 = s3Client(server);
  }

  static async create(server: S3Server): Promise<TestBucket> {
    const bucket = new TestBucket(server);
    await bucket.s3.createBucket({ Bucket: bucket.name });
    return bucket;
  }

  async keys(prefix = ''): Promise<string[]> {
    const { Contents = [] } = await this.s3.listObjectsV2({ Bucket: this.name, Prefix: prefix });
    return Contents.map(({ Key = '' }) => Key).sort();
  }

  /** Keys of the uploads that are neither completed nor aborted. */
  async uploads(): Promise<string[]> {
    const { Uploads = [] } = await this.s3.listMultipartUploads({ Bucket: this.name });
    return Uploads.map(({ Key = '' }) => Key).sort();
  }

  async bytes(key: string): Promise<Uint8Array> {
    const { Body: body } = await this.s3.getObject({ Bucket: this.name, Key: key });
    if (body === undefined) throw new Error(`${key} has no body`);
    return body.transformToByteArray();
  }

  /** Works on a copy of all objects, in a folder that is gone afterwards. */
  async copied<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
    const folder = mkdtempSync(join(tmpdir(), 'embedstream-bucket-'));
    try {
      for (const key of await this.keys()) {
        mkdirSync(dirname(join(folder, key)), { recursive: true });
        writeFileSync(join(folder, key), await this.bytes(key));
      }
      return await work(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  close(): void {
    this.s3.destroy();
  }
}
