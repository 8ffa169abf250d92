import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';

export const METADATA_SUFFIX = '.metadata.parquet';

/** The file itself, or the folder's files with that extension, by name: shards of a partition in offset order. */
export async function shardFiles(path: string, extension: '.parquet' | '.npy'): Promise<string[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new UsageError(`There is no file or folder ${path}.`, { cause });
  });
  if (!info.isDirectory()) return [path];
  const names = (await readdir(path)).filter(
    (name) => name.endsWith(extension) && !name.endsWith(METADATA_SUFFIX) && !name.startsWith('.'),
  );
  return names.sort().map((name) => join(path, name));
}

/** The Parquet file that goes with a `.npy` file, row for row. */
export function metadataPathOf(npyPath: string): string {
  return npyPath.replace(/\.npy$/, '') + METADATA_SUFFIX;
}
