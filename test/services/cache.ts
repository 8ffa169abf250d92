import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';

export const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'services');

export function isCached(name: string): boolean {
  return existsSync(join(CACHE, name));
}

/**
 * The folder `name` under `.cache/services`, which is there only when it is whole: `make` fills it once; whoever asks
 * meanwhile waits.
 */
export async function cachedOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  return withLock(join(CACHE, `${name}.lock`), async () => {
    if (existsSync(folder)) return folder;
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    await make(part);
    renameSync(part, folder);
    return folder;
  });
}
