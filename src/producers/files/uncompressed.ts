import zlib, { type Gunzip, type ZstdDecompress, type ZstdOptions } from 'node:zlib';
import { messageOf, poisonError, UsageError } from '../../errors.ts';
import { fileChunks } from './file-chunks.ts';

const CHUNK_BYTES = 1024 * 1024;

type Zlib = Gunzip | ZstdDecompress;
export type Compression = 'gzip' | 'zstd';

export function compressionOf(head: Uint8Array): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : undefined;
}

/**
 * `params`: of zstd. Programs may import the package on Node 20, which has no zstd: asked for by name it would not even load.
 */
export function decompressor(compression: Compression, params: ZstdOptions['params'] = {}): Zlib {
  const options = { chunkSize: CHUNK_BYTES };
  if (compression === 'gzip') return zlib.createGunzip(options);
  if (typeof (zlib as Partial<typeof zlib>).createZstdDecompress !== 'function')
    throw new UsageError(`zstd needs Node 22.15 or newer, and this is ${process.version}: unpack the file first.`);
  return zlib.createZstdDecompress({ ...options, params });
}

/**
 * A file's bytes in chunks, uncompressed; `progress.bytesRead` counts bytes of the file. A chunk is valid until the next
 * one is asked for. Rejects with SOURCE_READ_FAILED for faults of the disk and with FILE_DAMAGED (poison) where the
 * compressed bytes are at fault.
 */
export async function* uncompressedChunks(
  path: string,
  compression: Compression | undefined,
  { progress, signal }: { readonly progress: { bytesRead: number }; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  if (compression === undefined) {
    yield* counted(fileChunks(path, { from: 0, chunkBytes: CHUNK_BYTES, signal }), progress);
    return;
  }
  const packed = counted(fileChunks(path, { from: 0, chunkBytes: CHUNK_BYTES, signal }), progress);
  try {
    yield* unpackedMembers(packed, () => decompressor(compression));
  } catch (error) {
    if (!isDataFault(error)) throw error;
    const what = `the file is damaged or cut off here (${compression}: ${messageOf(error)})`;
    throw poisonError('FILE_DAMAGED', what, error);
  } finally {
    await packed.return(undefined);
  }
}

async function* counted(
  chunks: AsyncGenerator<Uint8Array>,
  progress: { bytesRead: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    progress.bytesRead += chunk.length;
    yield chunk;
  }
}

/**
 * All members of a packed file. A decompressor of zstd ends with the first of several frames and drops what is behind
 * it: each frame has one of its own, fed with what the one before has left.
 */
export async function* unpackedMembers(
  chunks: AsyncGenerator<Uint8Array>,
  decompressor: () => Zlib,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array | undefined;
  /** False when there is nothing left for another member. */
  const feed = async (stream: Zlib): Promise<boolean> => {
    for (;;) {
      const next: IteratorResult<Uint8Array, unknown> | undefined =
        rest === undefined ? await chunks.next() : undefined;
      const chunk = next === undefined ? rest : next.done === true ? undefined : next.value;
      rest = undefined;
      if (chunk === undefined) break;
      const before = stream.bytesWritten;
      await written(stream, chunk);
      const used = stream.bytesWritten - before;
      if (used === chunk.length) continue;
      rest = chunk.subarray(used);
      return true;
    }
    stream.end();
    return false;
  };
  for (let hasMore = true; hasMore;) {
    const stream = decompressor();
    const feeding = feed(stream);
    feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
    try {
      yield* stream as AsyncIterable<Uint8Array>;
    } finally {
      stream.destroy();
    }
    hasMore = await feeding;
  }
}

function written(stream: Zlib, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function isDataFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') || code.startsWith('ZSTD_');
}
