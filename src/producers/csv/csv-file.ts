import { isAscii } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { readBytes } from '../files/file-chunks.ts';
import { openRefusal, tablesIn } from '../files/open-error.ts';

/** Text with more control characters than this is no text. */
const CONTROL_BYTE_SHARE = 0.02;

/** Beginnings of files that are often given by mistake, and what to do about each. */
const MAGIC: readonly (readonly [signature: string, advice: string])[] = [
  ['PK\x03\x04', 'an Excel workbook or zip archive: save the sheet as "CSV UTF-8", or unpack it'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook: save the sheet as "CSV UTF-8"'],
  ['\x1f\x8b', 'compressed with gzip: unpack it first (gunzip)'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd: unpack it first (unzstd)'],
  ['BZh', 'compressed with bzip2: unpack it first (bunzip2)'],
  ['%PDF', 'a PDF'],
  ['PAR1', 'a Parquet file'],
  ['SQLite format 3', 'a SQLite database'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['\xff\xfe\0\0', 'text in UTF-32: save it as UTF-8'],
];

/** Opens a regular file that is not empty; everything else is a `UsageError` that says what to do. */
export async function openCsvFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw await openRefusal(path, error);
  }
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UsageError(`${path} is a folder. Name a CSV file in it.${await tablesIn(path)}`);
    if (!stats.isFile()) {
      throw new UsageError(`${path} is no regular file. Write the data to a file first: its beginning is read twice.`);
    }
    if (stats.size === 0) throw new UsageError(`${path} is empty. It needs a header line with the columns' names.`);
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Throws a `UsageError` for bytes that are no text. UTF-16 must have been ruled out. */
export function refuseBinary(path: string, sample: Uint8Array, isWide: boolean): void {
  let controls = 0;
  for (const byte of sample) if (byte < 0x20 && (byte < 0x09 || byte > 0x0d)) controls++;
  if (controls === 0) return;
  const start = Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.length, 16)).toString('latin1');
  const known = MAGIC.find(([signature]) => start.startsWith(signature));
  if (known !== undefined) throw new UsageError(`${path} is no CSV text; it looks like ${known[1]}.`);
  if (!isWide && controls > 4 && controls > sample.length * CONTROL_BYTE_SHARE) {
    throw new UsageError(
      `${path} is no CSV text: ${controls} of its first ${sample.length} bytes are control characters. Check the file.`,
    );
  }
}

/** Offset of the first chunk in [from, to) that holds a byte beyond ASCII, or -1. */
export async function findBeyondAscii(
  handle: FileHandle,
  from: number,
  to: number,
  chunkBytes: number,
): Promise<number> {
  for (let position = from; position < to; position += chunkBytes) {
    const chunk = await readBytes(handle, position, Math.min(chunkBytes, to - position));
    if (chunk.length === 0) return -1;
    if (isAscii(chunk)) continue;
    return position + chunk.findIndex((byte) => byte >= 0x80);
  }
  return -1;
}
