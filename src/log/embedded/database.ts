import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fatalError } from '../../errors.ts';
import { LockFile } from './lock-file.ts';
import { integer } from './rows.ts';
import { asLogError, isBusy } from './sqlite-errors.ts';
import type { WorkerSettings } from './protocol.ts';

/** Raised whenever an older release could not read or must not write what this one writes. */
export const SCHEMA_VERSION = 1;

const PAGE_BYTES = 16 * 1024;
const WAL_BYTES = 32 * 1024 * 1024;
const CACHE_KIB = 8 * 1024;
const BUSY_TIMEOUT_MS = 10_000;
const OPEN_ATTEMPTS = 100;

/** Offsets are stored beside the log's own row of a partition, so that they survive the removal of every record. */
const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, cleanup TEXT NOT NULL);
  CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, end_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic_id, partition)
  );
  CREATE TABLE batches (
    partition_id INTEGER NOT NULL, last_offset INTEGER NOT NULL, base_offset INTEGER NOT NULL, count INTEGER NOT NULL,
    bytes INTEGER NOT NULL, appended_at INTEGER NOT NULL, crc INTEGER NOT NULL, digests BLOB NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (partition_id, last_offset)
  );
  CREATE TABLE producers (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE groups (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL, since_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE group_offsets (
    group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (group_name, partition_id)
  ) WITHOUT ROWID;
`;

/** What a group's owner reads. It came after the first logs, and who does not know it can do without. */
const LATER_SCHEMA = `
  CREATE TABLE IF NOT EXISTS group_inputs (
    group_name TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (group_name, topic)
  ) WITHOUT ROWID;
`;

/** The open file, and transactions on it. */
export interface LogDatabase {
  readonly connection: DatabaseSync;
  readonly path: string;
  /** Seed of the key digests. */
  readonly digestSeed: number;
  /** Takes the write lock first, so that a transaction never fails half-way for a lock. Rolls back on any error. */
  readonly write: <T>(work: () => T) => T;
}

/** Opens the log's file, and creates the folder and the file when they are missing. */
export async function openDatabase(settings: WorkerSettings): Promise<LogDatabase> {
  const path = join(settings.dataDir, 'log.db');
  try {
    mkdirSync(join(settings.dataDir, 'groups'), { recursive: true });
    // One process at a time sets up the file: changing the journal mode does not wait for a lock.
    const lock = await acquirePatiently(join(settings.dataDir, 'open.lock'));
    try {
      return prepare(path, settings.maxLogBytes);
    } finally {
      lock.release();
    }
  } catch (error) {
    throw asLogError(error, path);
  }
}

async function acquirePatiently(path: string): Promise<LockFile> {
  for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
    const lock = LockFile.tryAcquire(path, BUSY_TIMEOUT_MS / OPEN_ATTEMPTS);
    if (lock !== undefined) return lock;
    await delay(1);
  }
  throw fatalError('LOG_UNREADABLE', `Another process has been opening the log beside ${path} for too long.`);
}

function prepare(path: string, maxLogBytes: number | undefined): LogDatabase {
  const connection = new DatabaseSync(path);
  try {
    connection.exec(`
      PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${WAL_BYTES / PAGE_BYTES};
      PRAGMA journal_size_limit = ${WAL_BYTES};
      PRAGMA cache_size = -${CACHE_KIB};
    `);
    const write = transactions(connection);
    const digestSeed = write(() => ensureSchema(connection, path));
    if (maxLogBytes !== undefined) connection.exec(`PRAGMA max_page_count = ${Math.ceil(maxLogBytes / PAGE_BYTES)}`);
    return { connection, path, digestSeed, write };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function ensureSchema(connection: DatabaseSync, path: string): number {
  const isNew = connection.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'meta'`).get() === undefined;
  if (isNew) {
    connection.exec(SCHEMA);
    const insert = connection.prepare('INSERT INTO meta VALUES (?, ?)');
    insert.run('schema_version', SCHEMA_VERSION);
    insert.run('digest_seed', randomBytes(4).readUInt32LE());
  }
  const version = metaValue(connection, 'schema_version');
  if (version > SCHEMA_VERSION) {
    throw fatalError(
      'LOG_UNREADABLE',
      `${path} was written by a newer release (log version ${version}; this release reads up to ${SCHEMA_VERSION}). ` +
        `Update embedstream, or use another data folder.`,
    );
  }
  connection.exec(LATER_SCHEMA);
  return metaValue(connection, 'digest_seed');
}

function metaValue(connection: DatabaseSync, name: string): number {
  const row = connection.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  if (row === undefined) throw fatalError('LOG_UNREADABLE', `The log is damaged: it does not say its ${name}.`);
  return integer(row, 'value');
}

function transactions(connection: DatabaseSync): LogDatabase['write'] {
  return (work) => {
    connection.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      connection.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (connection.isTransaction) rollBack(connection);
      throw error;
    }
  };
}

/** A rollback that fails has been done by SQLite already; the error that led here is the one to report. */
function rollBack(connection: DatabaseSync): void {
  try {
    connection.exec('ROLLBACK');
  } catch (error) {
    if (!isBusy(error) && connection.isTransaction) throw error;
  }
}
