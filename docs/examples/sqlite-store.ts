import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fatalError, poisonError, UsageError, type PipelineError } from '../../src/errors.ts';
import type {
  BuildMode,
  EmbeddingChange,
  OpenStoreOptions,
  Store,
  StoreAdapter,
  StorePartition,
  StoredEmbedding,
  StoreFault,
  StoreStats,
} from '../../src/sinks/stores/port.ts';

const MAX_ID_LENGTH = 200;
const CHUNK = 1000;
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS embeddings
    (model TEXT, id TEXT, vector BLOB, text TEXT, created_at INTEGER, PRIMARY KEY (model, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS offsets (model TEXT, part INTEGER, next INTEGER, PRIMARY KEY (model, part)) WITHOUT ROWID;
`;

/** A table in a SQLite file, with the consumed offsets beside the rows: `sink sqlite --sqlite-file=FILE`. */
export const sqlite: StoreAdapter = {
  name: 'sqlite',
  locate({ sqliteFile }) {
    if (typeof sqliteFile !== 'string') throw new UsageError('Say where to: --sqlite-file=FILE.');
    return resolve(sqliteFile);
  },
  open: (options) => Promise.resolve(new SqliteStore(options)),
};

/** What is wrong with a change itself: it becomes a dead letter, and the others go on. */
function refusalOf({ id }: EmbeddingChange): PipelineError | undefined {
  if (id.length <= MAX_ID_LENGTH) return undefined;
  return poisonError('SQLITE_ID', `The id has ${id.length} characters, the table takes ${MAX_ID_LENGTH} at most.`);
}

class SqliteStore implements Store {
  readonly inputs = ['embeddings'] as const;
  readonly #database: DatabaseSync;
  readonly #model: string;
  readonly #stats = { embeddings: 0, deletions: 0, bytes: 0 };

  constructor({ location, model }: OpenStoreOptions) {
    this.#database = new DatabaseSync(location, { timeout: 30_000 });
    this.#database.exec(SCHEMA);
    this.#model = model;
  }

  /** There is one table, so a rebuild takes the place of what was there. */
  prepare(mode: BuildMode): Promise<boolean> {
    if (mode === 'rebuild')
      this.#transaction(() => {
        for (const table of ['embeddings', 'offsets'])
          this.#database.prepare(`DELETE FROM ${table} WHERE model = ?`).run(this.#model);
      });
    const written = this.#database.prepare('SELECT 1 FROM offsets WHERE model = ? LIMIT 1').get(this.#model);
    return Promise.resolve(written === undefined);
  }

  rewind(offsets: ReadonlyMap<number, number>): Promise<void> {
    this.#transaction(() => {
      const rewind = this.#database.prepare('UPDATE offsets SET next = min(next, ?) WHERE model = ? AND part = ?');
      for (const [partition, offset] of offsets) rewind.run(offset, this.#model, partition);
    });
    return Promise.resolve();
  }

  openEmbeddings({ partition }: { readonly partition: number }): Promise<StorePartition<EmbeddingChange>> {
    let next = this.#next(partition);
    return Promise.resolve({
      ...(next !== undefined && { storedOffset: next }),
      check: refusalOf,
      write: (changes) => {
        this.#transaction(() => {
          // Whoever has taken the partition over has moved the offset: this transaction is then rolled back.
          if (this.#next(partition) !== next)
            throw fatalError('LOG_FENCED', 'Another process writes to this table now.');
          this.#write(changes);
          next = (changes.at(-1)?.offset ?? -1) + 1;
          const set = 'INSERT INTO offsets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next';
          this.#database.prepare(set).run(this.#model, partition, next);
        });
        return Promise.resolve();
      },
      progress: () => ({ faults: [], ...(next !== undefined && { offset: next }) }),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  }

  complete(): Promise<void> {
    this.#database.exec('PRAGMA optimize');
    return Promise.resolve();
  }

  async *contents(): AsyncGenerator<readonly StoredEmbedding[]> {
    const read = this.#database.prepare(
      'SELECT id, created_at FROM embeddings WHERE model = ? AND id > ? ORDER BY id LIMIT ?',
    );
    for (let last = ''; ;) {
      const rows = read.all(this.#model, last, CHUNK);
      if (rows.length === 0) return;
      const stored = rows.map(({ id, created_at: createdAt }) => ({ id: String(id), createdAt: Number(createdAt) }));
      yield await Promise.resolve(stored);
      last = stored.at(-1)?.id ?? '';
    }
  }

  repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]> {
    const faults = changes.flatMap((change): StoreFault[] => {
      const error = refusalOf(change);
      return error === undefined ? [] : [{ offset: change.offset, error }];
    });
    this.#transaction(() => {
      this.#write(changes.filter((change) => refusalOf(change) === undefined));
    });
    return Promise.resolve(faults);
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    this.#database.close();
    return Promise.resolve();
  }

  #next(partition: number): number | undefined {
    const row = this.#database
      .prepare('SELECT next FROM offsets WHERE model = ? AND part = ?')
      .get(this.#model, partition);
    return row === undefined ? undefined : Number(row['next']);
  }

  #write(changes: readonly EmbeddingChange[]): void {
    const upsert = this.#database.prepare(`INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?)`);
    const remove = this.#database.prepare('DELETE FROM embeddings WHERE model = ? AND id = ?');
    for (const { id, embedding } of changes) {
      if (embedding === null) {
        remove.run(this.#model, id);
        this.#stats.deletions++;
        continue;
      }
      const { vector, text = null, createdAt } = embedding;
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
      upsert.run(this.#model, id, bytes, text, createdAt);
      this.#stats.embeddings++;
      this.#stats.bytes += bytes.length;
    }
  }

  #transaction(body: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
