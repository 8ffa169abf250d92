import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Bucket } from './bucket.ts';
import { faultOf, s3Fault } from './faults.ts';
import { objectFault } from './objects.ts';
import { fatalError } from '../../errors.ts';
import type { ShardFile, ShardUpload } from '../../record/types.ts';
import { withFileFaults } from '../file-fault.ts';

/** A server takes 10,000 parts of 5 MiB or more; two of them are in memory at a time. */
const PART_BYTES = 8 << 20;
const MOST_PARTS = 10_000;
const IN_FLIGHT = 2;
/** The object is there, or another request is just writing it. */
const IS_THERE = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);
const KNOWS_NO_CONDITION = new Set(['NotImplemented', 'InvalidArgument', 'InvalidRequest']);

/** Sends a staged file as an upload that nobody sees before it is completed. Small files have one part. */
export async function uploadFile(bucket: Bucket, file: ShardFile, path: string): Promise<ShardUpload> {
  const place = { Bucket: bucket.name, Key: bucket.key(file.name) };
  const { UploadId: id = '' } = await bucket.ask(`Beginning to send ${file.name}`, (s3) =>
    s3.createMultipartUpload({ ...place, ChecksumAlgorithm: 'SHA256' }),
  );
  const partBytes = Math.max(PART_BYTES, Math.ceil(file.bytes / MOST_PARTS));
  const count = Math.max(1, Math.ceil(file.bytes / partBytes));
  const parts: { etag: string; sha256: string }[] = [];
  const handle = await withFileFaults(`Reading ${path}`, () => open(path, 'r'));
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const body = await readPart(handle, path, i * partBytes, Math.min(partBytes, file.bytes - i * partBytes));
      const sha256 = createHash('sha256').update(body).digest();
      const { ETag: etag = '' } = await bucket.ask(`Sending part ${i + 1} of ${file.name}`, (s3) =>
        s3.uploadPart({
          ...{ ...place, UploadId: id, PartNumber: i + 1, Body: body, ContentLength: body.length },
          ChecksumSHA256: sha256.toString('base64'),
        }),
      );
      parts[i] = { etag, sha256: sha256.toString('hex') };
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, work));
  } finally {
    await handle.close();
  }
  return { id, parts };
}

async function readPart(handle: FileHandle, path: string, position: number, length: number): Promise<Buffer> {
  const body = Buffer.allocUnsafe(length);
  await withFileFaults(`Reading ${path}`, async () => {
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(body, done, length - done, position + done);
      if (bytesRead === 0) throw new Error('the file is shorter than what was written');
      done += bytesRead;
    }
  });
  return body;
}

/**
 * Makes the object appear, unless there is one of that name. Completed already: all is well where the object is ours.
 * Errors: FILE_SINK_SHARD_MISSING, FILE_SINK_OBSTRUCTED, OBJECT_STORE_….
 */
export async function completeUpload(bucket: Bucket, file: ShardFile): Promise<void> {
  const { upload } = file;
  if (upload === undefined) return requireOurs(bucket, file);
  const complete = (condition: { readonly IfNoneMatch?: string }): Promise<unknown> =>
    bucket.ask(
      `Completing ${file.name}`,
      (s3) =>
        s3.completeMultipartUpload({
          ...{ Bucket: bucket.name, Key: bucket.key(file.name), UploadId: upload.id, ...condition },
          MultipartUpload: {
            Parts: upload.parts.map(({ etag, sha256 }, i) => ({
              ...{ PartNumber: i + 1, ETag: etag, ChecksumSHA256: base64(sha256) },
            })),
          },
        }),
      true,
    );
  try {
    await complete({ IfNoneMatch: '*' });
  } catch (error) {
    const { name } = faultOf(error);
    if (name === 'NoSuchUpload') return requireOurs(bucket, file);
    if (!IS_THERE.has(name) && !KNOWS_NO_CONDITION.has(name)) throw s3Fault(`Completing ${file.name}`, error);
    if (IS_THERE.has(name) || (await objectFault(bucket, file)) !== 'missing') {
      await requireOurs(bucket, file);
      // It would be paid for as long as it is there.
      return abortUpload(bucket, bucket.key(file.name), upload.id);
    }
    // Not every server knows the condition: we have just looked.
    await complete({}).catch((fault: unknown) => {
      throw s3Fault(`Completing ${file.name}`, fault);
    });
  }
}

async function requireOurs(bucket: Bucket, file: ShardFile): Promise<void> {
  const fault = await objectFault(bucket, file);
  if (fault === 'missing')
    throw fatalError(
      'FILE_SINK_SHARD_MISSING',
      `${bucket.location}/${file.name} is committed on the log, but neither the object nor its upload is there. A rule ` +
        'of the bucket that aborts uploads must leave them a few days. ' +
        'Run "replay" with the same --out and --model to write the output again from the log.',
    );
  if (fault !== undefined)
    throw fatalError(
      'FILE_SINK_OBSTRUCTED',
      `${bucket.location}/${file.name} is there already with other bytes, so the shard can't be published. ` +
        'Move it away, or choose another --out.',
    );
}

export async function abortUpload(bucket: Bucket, key: string, id: string): Promise<void> {
  try {
    await bucket.ask('', (s3) => s3.abortMultipartUpload({ Bucket: bucket.name, Key: key, UploadId: id }), true);
  } catch (error) {
    if (faultOf(error).status !== 404) throw s3Fault(`Aborting an upload in ${bucket.location}`, error);
  }
}

/** Aborts the uploads under the prefix whose name is chosen, but for those that are to be kept. */
export async function abortUploads(
  bucket: Bucket,
  isChosen: (name: string) => boolean,
  kept: ReadonlySet<string>,
): Promise<void> {
  let marker: Marker | undefined = {};
  while (marker !== undefined) marker = await abortPage(bucket, marker, isChosen, kept);
}

interface Marker {
  readonly KeyMarker?: string | undefined;
  readonly UploadIdMarker?: string | undefined;
}

/** Answers with where the next page begins. */
async function abortPage(
  bucket: Bucket,
  from: Marker,
  isChosen: (name: string) => boolean,
  kept: ReadonlySet<string>,
): Promise<Marker | undefined> {
  const page = await bucket.ask('Listing uploads', (s3) =>
    s3.listMultipartUploads({ Bucket: bucket.name, Prefix: bucket.prefix, ...from }),
  );
  for (const { Key = '', UploadId = '' } of page.Uploads ?? [])
    if (isChosen(Key.slice(bucket.prefix.length)) && !kept.has(UploadId)) await abortUpload(bucket, Key, UploadId);
  const { IsTruncated: hasMore = false, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
  return hasMore && KeyMarker !== undefined ? { KeyMarker, UploadIdMarker } : undefined;
}

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
