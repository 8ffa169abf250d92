import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.ts';
import { faultOf, s3Fault } from './faults.ts';
import type { ShardFile, ShardUpload } from '../../record/types.ts';
import type { ShardFileFault } from '../shard-store.ts';

/**
 * How the object differs from the file. It is known by what the server has computed of its parts; one that was copied or
 * put there by other means is read.
 */
export async function objectFault(bucket: Bucket, file: ShardFile): Promise<ShardFileFault | undefined> {
  const head = await headOf(bucket, file.name);
  if (head === undefined) return 'missing';
  if (head.ContentLength !== file.bytes) return 'size';
  if (file.upload !== undefined && isCompleted(head, file.upload)) return undefined;
  const hash = createHash('sha256');
  const body = await readObject(bucket, file.name);
  if (body === undefined) return 'missing';
  try {
    await pipeline(body, hash);
  } catch (error) {
    throw s3Fault(`Reading ${bucket.location}/${file.name}`, error);
  }
  return hash.digest('hex') === file.sha256 ? undefined : 'checksum';
}

async function headOf(bucket: Bucket, name: string): Promise<HeadObjectCommandOutput | undefined> {
  try {
    const key = { Bucket: bucket.name, Key: bucket.key(name) };
    return await bucket.ask('', (s3) => s3.headObject({ ...key, ChecksumMode: 'ENABLED' }), true);
  } catch (error) {
    if (faultOf(error).status === 404) return undefined;
    throw s3Fault(`Looking at ${bucket.location}/${name}`, error);
  }
}

/** undefined: there is none. */
export async function readObject(bucket: Bucket, name: string): Promise<Readable | undefined> {
  try {
    const key = { Bucket: bucket.name, Key: bucket.key(name) };
    const { Body: body } = await bucket.ask('', (s3) => s3.getObject(key), true);
    // In Node it is a stream of Node.
    return body as Readable | undefined;
  } catch (error) {
    if (faultOf(error).status === 404) return undefined;
    throw s3Fault(`Reading ${bucket.location}/${name}`, error);
  }
}

/** By its checksum or, of servers that keep none, its ETag: both are made of those of the parts, and their number. */
function isCompleted({ ChecksumSHA256, ETag }: HeadObjectCommandOutput, { parts }: ShardUpload): boolean {
  if (ChecksumSHA256 !== undefined) {
    const hash = createHash('sha256');
    for (const { sha256 } of parts) hash.update(sha256, 'hex');
    return ChecksumSHA256 === `${hash.digest('base64')}-${parts.length}`;
  }
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag.replaceAll('"', ''), 'hex');
  return ETag?.replaceAll('"', '') === `${hash.digest('hex')}-${parts.length}`;
}
