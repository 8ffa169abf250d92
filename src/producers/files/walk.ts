import type { Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { PathFilter } from './glob.ts';
import type { FileCounts } from './skipped-files.ts';
import { sortedNames } from './sorted-names.ts';

export interface FoundFile {
  readonly path: string;
  /** Below the root, with `/`. */
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** A folder or file that may not be looked at. */
export interface Unreadable {
  readonly name: string;
  readonly problem: string;
}

export interface WalkOptions {
  readonly counts: FileCounts;
  /** Left out: all files. */
  readonly filter?: PathFilter;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Regular files below a folder, empty ones too, depth first, sorted within each folder, with no more than a block of
 * names a folder in memory. Links to files within the root are followed; what lies outside of it is not, and neither is
 * a link to a folder: so there is no way around in circles, and nothing is met twice by its folder. Never opens a file.
 */
export async function* walkFiles(root: string, options: WalkOptions): AsyncGenerator<FoundFile | Unreadable> {
  yield* walkFolder({ ...options, root, realRoot: await realpath(root) }, '');
}

type Walk = WalkOptions & { readonly root: string; readonly realRoot: string };

async function* walkFolder(walk: Walk, folder: string): AsyncGenerator<FoundFile | Unreadable> {
  const { counts, filter, signal } = walk;
  try {
    for await (const entry of sortedNames(join(walk.root, folder))) {
      signal?.throwIfAborted();
      if (entry === undefined) {
        counts.skip('name that is not UTF-8', folder === '' ? '.' : folder);
        continue;
      }
      const name = folder === '' ? entry : `${folder}/${entry}`;
      if (filter !== undefined && !filter.matches(name) && !filter.mayHold(name)) continue;
      if (entry.startsWith('.') && filter?.matches(name) !== true) {
        counts.skip('hidden', name);
        continue;
      }
      const found = await look(walk, name);
      if (found === 'folder') {
        if (filter?.mayHold(name) ?? true) yield* walkFolder(walk, name);
      } else if (found !== undefined) yield found;
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') counts.skip('gone before it was read', folder);
    else if (code === 'EACCES' || code === 'EPERM') yield { name: folder, problem: messageOf(error) };
    else throw error;
  }
}

/** `folder`, a file, or undefined for what was counted as skipped or is not meant. */
async function look(walk: Walk, name: string): Promise<FoundFile | Unreadable | 'folder' | undefined> {
  const path = join(walk.root, name);
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return 'folder';
    if (walk.filter !== undefined && !walk.filter.matches(name)) return undefined;
    return found.isSymbolicLink() ? await follow(walk, path, name) : regularFile(walk.counts, path, name, found);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') walk.counts.skip('gone before it was read', name);
    else if (code === 'EACCES' || code === 'EPERM') return { name, problem: messageOf(error) };
    else throw error;
    return undefined;
  }
}

async function follow({ counts, realRoot }: Walk, path: string, name: string): Promise<FoundFile | undefined> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) throw error;
    counts.skip('link to nothing', name);
    return undefined;
  }
  const isWithin = target.startsWith(realRoot === sep ? sep : realRoot + sep) || target === realRoot;
  if (!isWithin) {
    counts.skip('link out of the source', name);
    return undefined;
  }
  const found = await stat(target);
  if (!found.isDirectory()) return regularFile(counts, target, name, found);
  counts.skip('link to a folder', name);
  return undefined;
}

function regularFile(counts: FileCounts, path: string, name: string, found: Stats): FoundFile | undefined {
  if (!found.isFile()) counts.skip('no regular file (FIFO, socket or device)', name);
  else return { path, name, bytes: found.size, modifiedMs: found.mtimeMs };
  return undefined;
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
