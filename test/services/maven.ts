import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cachedOnce, isCached } from './cache.ts';
import { onPath } from './java.ts';

const run = promisify(execFile);

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
  if (isCached(download.name) || onPath('mvn') !== undefined) return undefined;
  return 'no mvn (Apache Maven): install it, for example with `apt-get install maven`';
}

/** The folder of a download. Made once; whoever asks meanwhile waits. */
export function fetchOnce(download: Download): Promise<string> {
  return cachedOnce(download.name, async (folder) => {
    try {
      await run('mvn', ['-q', '-B', ...download.args(folder)], { maxBuffer: 1 << 26 });
    } catch (error) {
      const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
      throw new Error(`mvn could not fetch ${download.name}:\n${said.trim().split('\n').slice(0, 10).join('\n')}`, {
        cause: error,
      });
    }
    await download.finish?.(folder);
  });
}
