import { createHash } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, withFileFaults } from './file-fault.ts';
import { fatalError } from '../errors.ts';
import type { ShardFile } from '../record/types.ts';

/** Of one read while a file is hashed. */
const READ_BYTES = 1 << 20;
/** File systems without hard links answer with one of these. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a staged file its name without ever overwriting another file: a file there with the same bytes is taken for
 * an earlier publication that was cut short, one with other bytes is an error.
 * Errors: FILE_SINK_OBSTRUCTED, FILE_SINK_NO_PERMISSION, FILE_SINK_IO; ENOENT of the staged file passes through.
 */
export async function publishFile(stagedPath: string, folder: string, file: ShardFile): Promise<void> {
  const target = join(folder, file.name);
  try {
    await link(stagedPath, target);
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (code === 'ENOENT') throw error;
    if (NO_HARD_LINKS.has(code)) {
      await renameExclusively(stagedPath, target, file);
      return;
    }
    if (code !== 'EEXIST') await withFileFaults(`Publishing ${target}`, () => Promise.reject(error as Error));
    await refuseOtherBytes(target, file);
  }
  await rm(stagedPath, { force: true });
}

/** Without hard links: an empty file claims the name, then the staged one takes its place. */
async function renameExclusively(stagedPath: string, target: string, file: ShardFile): Promise<void> {
  await withFileFaults(`Publishing ${target}`, async () => {
    try {
      await (await open(target, 'wx')).close();
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      // An empty one is the claim of a publication that was cut short.
      if ((await stat(target)).size > 0) {
        await refuseOtherBytes(target, file);
        await rm(stagedPath, { force: true });
        return;
      }
    }
    await rename(stagedPath, target);
  });
}

async function refuseOtherBytes(target: string, file: ShardFile): Promise<void> {
  const info = await stat(target);
  if (info.isFile() && info.size === file.bytes && (await sha256OfFile(target)) === file.sha256) return;
  throw fatalError(
    'FILE_SINK_OBSTRUCTED',
    `${target} is there already with other bytes, so the shard can't be published. Move it away, or choose another --out.`,
  );
}

/** SHA-256 of a file, lower-case hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    // A stream would make a buffer for each read. One is filled here while the other is hashed.
    let filling = Buffer.allocUnsafe(READ_BYTES);
    let full = Buffer.allocUnsafe(READ_BYTES);
    for (let reading = file.read(filling, 0, READ_BYTES); ;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return hash.digest('hex');
      [filling, full] = [full, filling];
      reading = file.read(filling, 0, READ_BYTES);
      hash.update(full.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Makes names that were given or taken in the folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows can't open a folder, and keeps its entries durable by itself.
  if (process.platform === 'win32') return;
  await withFileFaults(`Syncing ${folder}`, async () => {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}
