import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fatalError, messageOf } from '../../errors.ts';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds it. */
  readonly onWait?: () => void;
  /** Between two looks. Default 200. */
  readonly pollMs?: number;
}

/** SQLite's result code for a database that somebody else has locked. */
const SQLITE_BUSY = 5;

/**
 * Runs `work` while no other process holds the same lock. It is SQLite's lock of a file, which the operating system
 * takes from a process that dies: there is nothing to clean up, and no owner to presume dead.
 *
 * @throws PipelineError CACHE_NOT_WRITABLE; AbortError at the signal.
 */
export async function withDownloadLock<Result>(
  path: string,
  options: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const database = await acquire(path, options);
  try {
    return await work();
  } finally {
    database.close();
  }
}

async function acquire(path: string, { signal, onWait, pollMs = 200 }: LockOptions): Promise<DatabaseSync> {
  try {
    await mkdir(dirname(path), { recursive: true });
    let told = false;
    for (;;) {
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        database.exec('BEGIN EXCLUSIVE');
        return database;
      } catch (error) {
        database.close();
        if (!isBusy(error)) throw error;
      }
      if (!told) onWait?.();
      told = true;
      await sleep(pollMs, undefined, signal && { signal });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw fatalError(
      'CACHE_NOT_WRITABLE',
      `The model cache could not be locked at ${path}: ${messageOf(cause)}. Set HF_HOME to a folder that can be written.`,
      cause,
    );
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
