import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, withFileFaults } from '../../sinks/file-fault.ts';

/**
 * Puts the files of a sink whose names begin with `stem` into another folder as well, each replaced in one step; as a hard
 * link where the file system has them. None where the sink has written none.
 */
export async function placeFiles(from: string, to: string, stem: string): Promise<string[]> {
  const names = (await readdir(from).catch(() => [])).filter((name) => name.startsWith(`${stem}.`)).sort();
  if (names.length === 0) return [];
  await withFileFaults(`Writing to ${to}`, async () => {
    await mkdir(to, { recursive: true });
    for (const name of names) {
      const temporary = join(to, `.${name}.${randomBytes(6).toString('hex')}`);
      try {
        await linkOrCopy(join(from, name), temporary);
        await rename(temporary, join(to, name));
      } finally {
        await rm(temporary, { force: true });
      }
    }
  });
  return names.map((name) => join(to, name));
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error;
    await copyFile(from, to);
  }
}
