import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LockFile } from '../../src/log/embedded/lock-file.ts';

const POLL_MS = 100;

/**
 * One process at a time. The lock ends with its holder, however that ends, and no child inherits it: SQLite opens its
 * files close-on-exec, and fcntl locks do not survive a fork.
 */
export async function withLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let lock: LockFile | undefined;
  while ((lock = LockFile.tryAcquire(path)) === undefined) await delay(POLL_MS);
  try {
    return await body();
  } finally {
    lock.release();
  }
}
