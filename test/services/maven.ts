import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from './java.ts';
import { withLock } from './lock.ts';

const run = promisify(execFile);
export const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'services');

export interface Download {
  /** The folder under `.cache/services`, with the version in its name. It is there only when it is whole. */
  readonly name: string;
  /** What `mvn` is told, to fill `folder`. */
  args(folder: string): string[];
  /** What remains to be done once `mvn` is through. */
  finish?(folder: string): Promise<void>;
}

/** What is missing to make `download`, or undefined where it is there or can be made. */
export function missingFor(download: Download): string | undefined {
  if (existsSync(join(CACHE, download.name)) || onPath('mvn') !== undefined) return undefined;
  return 'no mvn (Apache Maven): install it, for example with `apt-get install maven`';
}

/** The folder of a download. Made once; whoever asks meanwhile waits. */
export async function fetchOnce(download: Download): Promise<string> {
  const folder = join(CACHE, download.name);
  if (existsSync(folder)) return folder;
  return withLock(join(CACHE, `${download.name}.lock`), async () => {
    if (existsSync(folder)) return folder;
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    try {
      await run('mvn', ['-q', '-B', ...download.args(part)], { maxBuffer: 1 << 26 });
    } catch (error) {
      const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
      throw new Error(`mvn could not fetch ${download.name}:\n${said.trim().split('\n').slice(0, 10).join('\n')}`, {
        cause: error,
      });
    }
    await download.finish?.(part);
    renameSync(part, folder);
    return folder;
  });
}
