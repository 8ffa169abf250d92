import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { finished } from 'node:stream/promises';
import { readBytes } from './file-chunks.ts';
import { type Compression, compressionOf, decompressor } from './uncompressed.ts';

const HEAD_BYTES = 4 * 1024;
const PACKED_EXTENSIONS = ['.gz', '.zst'];

/** The beginning of a file, by which formats are told apart. */
export interface FileHead {
  /** The first bytes, 4 KiB at most, unpacked. */
  readonly bytes: Uint8Array;
  readonly compression?: Compression;
}

/** The beginning of a regular file. Rejects as the file system does. */
export async function readHead(path: string): Promise<FileHead> {
  const handle = await open(path, 'r');
  try {
    const raw = await readBytes(handle, 0, HEAD_BYTES);
    const compression = compressionOf(raw);
    return compression === undefined ? { bytes: raw } : { bytes: await beginningOf(raw, compression), compression };
  } finally {
    await handle.close();
  }
}

/** The file's name without the extension of a packed file. */
export function unpackedName(name: string): string {
  const last = extname(name);
  return PACKED_EXTENSIONS.includes(last.toLowerCase()) ? name.slice(0, -last.length) : name;
}

/** As much as can be unpacked of a beginning that is cut off. */
async function beginningOf(raw: Uint8Array, compression: Compression): Promise<Uint8Array> {
  const unpacked = decompressor(compression);
  const parts: Uint8Array[] = [];
  let length = 0;
  unpacked.on('data', (chunk: Uint8Array) => {
    parts.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) unpacked.destroy();
  });
  unpacked.end(raw);
  // It ends within the packed bytes: what has come out of them is the answer, whatever it says.
  await finished(unpacked).catch(() => undefined);
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}
