import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fatalError, messageOf, poisonError, type PipelineError } from '../../errors.ts';
import { readBytes } from '../files/file-chunks.ts';
import { codeOf } from '../files/walk.ts';
import { tooManyBytes } from './image-faults.ts';
import { mostBytes, type ImageSettings } from './options.ts';

/**
 * The bytes of an image's file. `onBytes` is told their number before they are read, and waited for.
 *
 * @throws PipelineError poison: IMAGE_FILE_MISSING, IMAGE_UNREADABLE (rights), IMAGE_NO_FILE, IMAGE_EMPTY,
 * IMAGE_TOO_MANY_BYTES; fatal: SOURCE_READ_FAILED
 */
export async function readImageFile(
  path: string,
  settings: ImageSettings,
  onBytes: (bytes: number) => Promise<void> = () => Promise.resolve(),
): Promise<Buffer> {
  // A FIFO would keep the open waiting for somebody who writes.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw openFault(path, error);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw poisonError('IMAGE_NO_FILE', `${path} is no regular file`);
    if (found.size === 0) throw poisonError('IMAGE_EMPTY', 'the file is empty: it has no bytes. Get it whole');
    if (found.size > mostBytes(settings)) throw tooManyBytes(found.size, settings);
    await onBytes(found.size);
    return await readBytes(handle, 0, found.size).catch((error: unknown) => {
      throw fatalError('SOURCE_READ_FAILED', `${path} could not be read on: ${messageOf(error)}.`, error);
    });
  } finally {
    await handle.close();
  }
}

/** What an error of the file system says about a path; faults of the world are fatal. */
export function openFault(path: string, error: unknown): PipelineError {
  const code = codeOf(error);
  if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(code))
    return poisonError('IMAGE_FILE_MISSING', `there is no file ${path}`, error);
  if (code === 'EACCES' || code === 'EPERM')
    return poisonError('IMAGE_UNREADABLE', `${path} may not be read: check its permissions`, error);
  // A socket, or a device without a driver.
  if (code === 'ENXIO' || code === 'ENODEV') return poisonError('IMAGE_NO_FILE', `${path} is no regular file`, error);
  return fatalError('SOURCE_READ_FAILED', `${path} could not be read: ${messageOf(error)}.`, error);
}
