import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { decompressor, unpackedMembers } from '../files/uncompressed.ts';
import { asClause, fatalError, messageOf, poisonError, type PipelineError } from '../../errors.ts';

const CHUNK_BYTES = 256 * 1024;
const HEAD_BYTES = 64 * 1024;
/** A frame of more than this window would take as much memory; zstd itself refuses it without --long. */
const ZSTD_WINDOW_LOG = 27;

/** A file that may hold embeddings. */
export interface ImportFile {
  /** Where it lies. */
  readonly path: string;
  /** For messages and for the keys of its dead letters: relative to what was given, with `/`. */
  readonly name: string;
  readonly bytes: number;
  /** Named by the user, not found in a folder or an archive. */
  readonly isNamed: boolean;
}

type Compression = 'none' | 'gzip' | 'zstd';

export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}

/** The name without the endings of a compression. */
export function plainNameOf(name: string): string {
  return name.replace(/\.(?:gz|zst|zstd)$/i, '');
}

/** The first bytes, as they lie there. Errors: IMPORT_UNREADABLE. */
export async function rawHead(file: Pick<ImportFile, 'path' | 'name'>, bytes = 8): Promise<Buffer> {
  try {
    const handle = await open(file.path, 'r');
    try {
      const head = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(head, 0, bytes, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

export interface ByteStream extends AsyncIterable<Buffer> {
  /** Of the file as it lies there. */
  readonly bytesRead: () => number;
}

/**
 * The bytes of a file, decompressed. Errors: IMPORT_CORRUPT (poison) where the compressed data is damaged or cut,
 * IMPORT_UNREADABLE.
 */
export async function openBytes(file: Pick<ImportFile, 'path' | 'name'>, signal?: AbortSignal): Promise<ByteStream> {
  const compression = compressionOf(await rawHead(file));
  let bytes = 0;
  async function* read(): AsyncGenerator<Buffer> {
    const packed = packedBytes();
    try {
      if (compression === 'none') yield* packed;
      else
        yield* unpackedMembers(packed, () =>
          decompressor(compression, { [ZSTD_WINDOW_LOG_MAX]: ZSTD_WINDOW_LOG }),
        ) as AsyncGenerator<Buffer>;
    } catch (error) {
      if (isDamage(error)) throw corrupt(file.name, compression, error);
      throw unreadable(file.name, error);
    } finally {
      await packed.return(undefined);
    }
  }
  async function* packedBytes(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(file.path, { highWaterMark: CHUNK_BYTES })) {
      bytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  async function* untilAborted(): AsyncGenerator<Buffer> {
    for await (const chunk of read()) {
      signal?.throwIfAborted();
      yield chunk;
    }
  }
  const iterator = untilAborted();
  return { bytesRead: () => bytes, [Symbol.asyncIterator]: () => iterator };
}

/** The first 64 KiB after decompression. */
export async function decompressedHead(file: Pick<ImportFile, 'path' | 'name'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of await openBytes(file)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}

/** ZSTD_d_windowLogMax, zstd.h */
const ZSTD_WINDOW_LOG_MAX = 100;

/** zlib's own codes: the data is at fault, not the disk. */
function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:Z_|ZSTD_)/.test(code) || code === 'ERR_ZLIB_INITIALIZATION_FAILED';
}

function corrupt(name: string, compression: Compression, error: unknown): PipelineError {
  const what = `${name} is no whole ${compression} file: ${messageOf(error)}.`;
  return poisonError('IMPORT_CORRUPT', `${what} What came before that was imported; bring the whole file.`, error);
}

function unreadable(name: string, error: unknown): Error {
  if (error instanceof Error && error.name === 'AbortError') return error;
  return fatalError('IMPORT_UNREADABLE', `${name} can't be read: ${asClause(messageOf(error))}.`, error);
}
