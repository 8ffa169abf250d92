import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite-errors.ts';

/**
 * A lock that the operating system gives up when its process dies, however it dies: an exclusive transaction on an
 * empty SQLite file. SQLite locks its files with fcntl (Windows: LockFileEx), and also keeps connections of one
 * process apart, which fcntl alone does not.
 */
export class LockFile {
  readonly #path: string;
  readonly #database: DatabaseSync;

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
  }

  /** Undefined when somebody else still holds it after `timeoutMs`. */
  static tryAcquire(path: string, timeoutMs = 0): LockFile | undefined {
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA busy_timeout = ${timeoutMs}; BEGIN EXCLUSIVE`);
    } catch (error) {
      database.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
    return new LockFile(path, database);
  }

  static isHeld(path: string): boolean {
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA busy_timeout = 0; SELECT 1 FROM sqlite_schema');
      return false;
    } catch (error) {
      if (isBusy(error)) return true;
      throw error;
    } finally {
      database.close();
    }
  }

  release(): void {
    this.#database.close();
  }

  /** For a lock whose name is never used again. */
  releaseForGood(): void {
    this.release();
    rmSync(this.#path, { force: true });
  }
}
