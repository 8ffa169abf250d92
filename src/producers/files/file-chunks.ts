import { type FileHandle, open } from 'node:fs/promises';
import { fatalError, messageOf } from '../../errors.ts';

const LEAST_CHUNK_BYTES = 4 * 1024;

/** Up to `length` bytes from `position`. */
export async function readBytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, await readInto(handle, buffer, position));
}

async function readInto(handle: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/**
 * The file's bytes from `from` in chunks. A chunk is valid until the next but one is asked for: the next is read
 * ahead while this one is worked on. Rejects with SOURCE_READ_FAILED.
 */
export async function* fileChunks(
  path: string,
  options: { readonly from: number; readonly chunkBytes: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r').catch(readFailed(path));
  let position = options.from;
  const chunkBytes = await chunkBytesFor(handle, position, options.chunkBytes);
  const buffers = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)] as const;
  let ahead = readInto(handle, buffers[0], position);
  try {
    for (let turn = 0; ; turn ^= 1) {
      options.signal?.throwIfAborted();
      const length = await ahead.catch(readFailed(path));
      if (length === 0) return;
      position += length;
      ahead = readInto(handle, turn === 0 ? buffers[1] : buffers[0], position);
      // Its failure is reported when it is awaited; until then it must not count as unhandled.
      ahead.catch(() => undefined);
      yield (turn === 0 ? buffers[0] : buffers[1]).subarray(0, length);
    }
  } finally {
    await ahead.catch(() => 0);
    await handle.close();
  }
}

/** Buffers of the full size for each of very many small files cost more than reading them. A device says 0 bytes. */
async function chunkBytesFor(handle: FileHandle, from: number, most: number): Promise<number> {
  const { size } = await handle.stat().catch(() => ({ size: Infinity }));
  return Math.min(most, Math.max(LEAST_CHUNK_BYTES, size - from));
}

function readFailed(path: string): (error: unknown) => never {
  return (error) => {
    throw fatalError('SOURCE_READ_FAILED', `${path} could not be read on: ${messageOf(error)}.`, error);
  };
}
