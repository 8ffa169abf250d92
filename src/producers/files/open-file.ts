import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type PipelineError, UsageError } from '../../errors.ts';
import type { FileFormat, FormatOptions, OpenFile, SourceBatch, SourceFile } from '../port.ts';
import { type FileHead, unpackedName } from './file-head.ts';
import { temporaryFolder, unpackFile } from './temporary-files.ts';

/** A file that is open under its format, with its copy, if it needed one. */
export interface OpenedFile extends OpenFile {
  close(): Promise<void>;
}

/** Opens a file under a format; a packed one is unpacked to a temporary file, unless the format unpacks it itself. */
export async function openFile(
  format: FileFormat,
  file: SourceFile,
  { compression }: FileHead,
  options: FormatOptions,
): Promise<OpenedFile> {
  const named = { ...file, name: unpackedName(file.name), location: file.location ?? file.path };
  if (compression === undefined || format.unpacks === true) {
    const opened = await format.open(named, options);
    return { description: opened.description, read: (signal) => opened.read(signal), close: () => Promise.resolve() };
  }
  const folder = await temporaryFolder();
  const close = (): Promise<void> => folder.remove();
  try {
    const path = join(folder.path, randomUUID());
    const { damage } = await unpackFile(file.path, compression, path, file.signal);
    const { size } = await stat(path);
    if (size === 0) throw damage ?? new UsageError(`${named.location} is empty, once unpacked.`);
    const opened = await format.open({ ...named, path, bytes: size }, options);
    const read = (signal?: AbortSignal): AsyncGenerator<SourceBatch> =>
      unpackedBatches(opened.read(signal), { format, file: named, unpackedBytes: size, damage });
    return { description: { packed: compression, ...opened.description }, read, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The same with bytes as of the packed file, and what is damaged at its end. */
async function* unpackedBatches(
  batches: AsyncIterable<SourceBatch>,
  {
    format,
    file,
    unpackedBytes,
    damage,
  }: {
    readonly format: FileFormat;
    readonly file: SourceFile;
    readonly unpackedBytes: number;
    readonly damage: PipelineError | undefined;
  },
): AsyncGenerator<SourceBatch> {
  for await (const batch of batches) {
    const share = Math.min(1, batch.bytesRead / unpackedBytes);
    yield { ...batch, bytesRead: Math.floor(share * file.bytes) };
  }
  if (damage === undefined) return;
  const reason = `${file.location ?? file.path}: ${damage.message}; nothing behind could be read.`;
  const fault = { kind: 'fault', code: damage.code, reason, line: 0, raw: new Uint8Array(0) } as const;
  yield { items: [fault], filtered: 0, bytesRead: file.bytes, ...unread(format, file.name) };
}

/**
 * What a batch says of a file that could not be read: whose records are kept, or, where none of the records says which
 * file it is from, that nothing counts as vanished.
 */
export function unread(
  format: FileFormat | undefined,
  unpackedName: string,
): Pick<SourceBatch, 'isPartial' | 'unreadFiles'> {
  return format?.idsByName === true ? { unreadFiles: [unpackedName] } : { isPartial: true };
}
