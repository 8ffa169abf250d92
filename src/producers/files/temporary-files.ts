import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fatalError, failureOutcome, messageOf, type PipelineError, poisonError } from '../../errors.ts';
import { type Compression, uncompressedChunks } from './uncompressed.ts';

/** More than this times its size a file of text does not unpack to: it is made to fill the disk. */
const MOST_UNPACKED = 500;
const ALWAYS_UNPACKED_BYTES = 1024 ** 3;

/** A folder of our own for copies, removed by `remove`. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'embedstream-')).catch((error: unknown) => {
    throw fatalError('TEMPORARY_FOLDER_FAILED', `No temporary folder can be made: ${messageOf(error)}.`, error);
  });
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Writes chunks to a file that is not there yet. Rejects with what the chunks reject with; a disk that can't be written
 * is TEMPORARY_FILE_FAILED.
 */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await pipeline(copies(chunks), createWriteStream(path, { flags: 'wx' }), { ...(signal && { signal }) });
  } catch (error) {
    const isOfTheDisk = error instanceof Error && 'syscall' in error && error.syscall === 'write';
    if (!isOfTheDisk) throw error;
    throw fatalError('TEMPORARY_FILE_FAILED', `${path} can't be written: ${messageOf(error)}. Make room.`, error);
  }
}

/** A chunk is valid only until the next one, and a stream keeps several. */
async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Uint8Array.from(chunk);
}

/** Unpacks a file to `target` as far as it can be; `damage` is why it ends there. */
export async function unpackFile(
  path: string,
  compression: Compression,
  target: string,
  signal?: AbortSignal,
): Promise<{ readonly damage: PipelineError | undefined }> {
  const limit = Math.max(ALWAYS_UNPACKED_BYTES, (await stat(path)).size * MOST_UNPACKED);
  let damage: PipelineError | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let unpacked = 0;
    try {
      for await (const chunk of uncompressedChunks(path, compression, { progress: { bytesRead: 0 }, signal })) {
        unpacked += chunk.length;
        if (unpacked > limit)
          throw poisonError(
            'FILE_UNPACKS_TOO_LARGE',
            `the file unpacks to more than ${limit} bytes; unpack it yourself`,
          );
        yield chunk;
      }
    } catch (error) {
      if (failureOutcome(error) !== 'dead-letter') throw error;
      // failureOutcome answers dead-letter for nothing but a PipelineError.
      damage = error as PipelineError;
    }
  }
  await writeChunks(target, chunks(), signal);
  return { damage };
}
