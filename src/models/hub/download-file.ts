import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { HubReference } from '../catalog/model-spec.ts';
import { downloadFailed } from './hub-errors.ts';
import { one, PassingFault, type HubClient } from './hub-client.ts';
import type { ListedFile } from './repository-listing.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of this file that are here, those of an earlier run included; it may fall when they have to come again. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Downloads one file to `path`, which appears when it is whole and its size and hash are right. What has come is beside
 * it in the meantime (`.embedstream.incomplete`: not under Python's name, whose lock is another), and a later run goes
 * on from there. Call it for one file at a time in all processes ({@link withDownloadLock}).
 *
 * @throws PipelineError MODEL_DOWNLOAD_FAILED, HUB_ACCESS_DENIED, HUB_REFUSED; UsageError.
 */
export async function downloadFile(
  client: HubClient,
  reference: HubReference,
  file: ListedFile,
  path: string,
  { signal, onBytes }: DownloadOptions = {},
): Promise<void> {
  const incomplete = `${path}.embedstream.incomplete`;
  const what = `${file.path} of ${reference.repository}`;
  await mkdir(dirname(path), { recursive: true });
  let wrong = 0;
  await client.persist(what, signal, async (progressed) => {
    const have = await sizeOf(incomplete);
    if (have < file.bytes) {
      await fetchRest(client, reference, file, { incomplete, have, signal, onBytes, progressed });
    }
    const fault = await faultOf(file, incomplete);
    if (fault !== undefined) {
      // Bytes that are wrong are not gone on from, and a hub that sends them twice would a third time.
      await rm(incomplete, { force: true });
      wrong++;
      throw wrong > 1 ? downloadFailed(what, fault) : new PassingFault(fault);
    }
    await rename(incomplete, path);
  });
}

interface Rest extends DownloadOptions {
  readonly incomplete: string;
  readonly have: number;
  readonly progressed: () => void;
}

async function fetchRest(client: HubClient, reference: HubReference, file: ListedFile, rest: Rest): Promise<void> {
  const { incomplete, have, signal, onBytes, progressed } = rest;
  const address = `/${reference.repository}/resolve/${reference.revision}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
  // Compressed on the way, a length would not be the file's.
  const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${String(have)}-` }) };
  const { statusCode, headers: answered, body } = await client.open(reference, address, headers, signal);
  const goesOn = statusCode === 206 && one(answered['content-range'])?.startsWith(`bytes ${String(have)}-`) === true;
  const start = goesOn ? have : 0;
  const handle = await open(incomplete, goesOn ? 'a' : 'w');
  let position = start;
  try {
    onBytes?.(position);
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (position + chunk.length > file.bytes) throw new PassingFault(`more than ${String(file.bytes)} bytes came`);
      await handle.write(chunk);
      position += chunk.length;
      onBytes?.(position);
      if (position > have) progressed();
    }
    await handle.sync();
  } catch (cause) {
    if (cause instanceof PassingFault) throw cause;
    if (isOfDisk(cause)) throw downloadFailed(file.path, messageOf(cause), cause);
    throw new PassingFault(
      `it broke off after ${String(position)} of ${String(file.bytes)} bytes (${messageOf(cause)})`,
      { cause },
    );
  } finally {
    await handle.close();
  }
  if (position < file.bytes) throw new PassingFault(`${String(position)} of ${String(file.bytes)} bytes came`);
}

async function faultOf(file: ListedFile, incomplete: string): Promise<string | undefined> {
  const found = await hashOf(file, incomplete);
  return found === file.hash
    ? undefined
    : `what came is not the file: its hash is ${found}, and ${file.hash} is expected`;
}

/** SHA-256, or where the hub tells 40 digits SHA-1 as Git takes it of a blob. */
async function hashOf({ hash, bytes }: ListedFile, path: string): Promise<string> {
  const digest = hash.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${String(bytes)}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0; // nothing has come yet
  }
}

function isOfDisk(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'].includes(String(error.code))
  );
}
