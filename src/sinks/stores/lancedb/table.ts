import { setTimeout as delay } from 'node:timers/promises';
import type { Schema } from 'apache-arrow';
import type { Connection, DistanceType, LanceTable } from './api.ts';
import { isConflict, lanceFault } from './faults.ts';
import { loadLanceDb, type Loaded } from './load.ts';
import { parseLocation, storageOptions } from './location.ts';
import { schemaOf, tableOf, type LanceRow } from './rows.ts';
import { searchTable } from './search-table.ts';
import { backoffDelayMs } from '../../../backoff.ts';
import { fatalError } from '../../../errors.ts';
import type { OpenStoreOptions, StoredEmbedding, StoreMatch, StoreQuery } from '../port.ts';

const MOST_ATTEMPTS = 12;
const BACKOFF = { baseMs: 50, capMs: 5_000 };
/** Ids in one condition. */
const DELETE_IDS = 500;
/** Below it, reading all ids costs as little as asking an index. */
const ROWS_FOR_ID_INDEX = 20_000;
/** To learn what is near from. */
const ROWS_FOR_IVF_PQ = 256;

export type VectorIndex = 'none' | 'hnsw' | 'ivf-pq';

/** One table of a LanceDB database. Changes follow one another: two at once would only conflict. */
export class VectorTable {
  readonly location: string;
  readonly #options: OpenStoreOptions;
  readonly #loaded: Loaded;
  readonly #connection: Connection;
  readonly #name: string;
  readonly #schema: Schema;
  #table: LanceTable | undefined;
  #working: Promise<unknown> = Promise.resolve();

  /** Errors: LANCEDB_NOT_INSTALLED, LANCEDB_…. */
  static async connect(options: OpenStoreOptions): Promise<VectorTable> {
    const loaded = loadLanceDb();
    const { database, table } = parseLocation(options.location);
    const storage = storageOptions(database, options.environment);
    try {
      // Another process may have written since.
      const consistency = { readConsistencyInterval: 0 };
      const to = { ...consistency, ...(storage !== undefined && { storageOptions: storage }) };
      return new VectorTable(options, loaded, await loaded.lancedb.connect(database, to), table);
    } catch (error) {
      throw lanceFault('Opening', options.location, error);
    }
  }

  private constructor(options: OpenStoreOptions, loaded: Loaded, connection: Connection, name: string) {
    this.location = options.location;
    this.#options = options;
    this.#loaded = loaded;
    this.#connection = connection;
    this.#name = name;
    this.#schema = schemaOf(loaded.arrow, options.dimension);
  }

  /** False: there is none. Errors: LANCEDB_OTHER_TABLE. */
  async open(): Promise<boolean> {
    if (this.#table !== undefined) return true;
    const table = await this.#ask('Opening', async () =>
      (await this.#connection.tableNames()).includes(this.#name) ? this.#connection.openTable(this.#name) : undefined,
    );
    if (table === undefined) return false;
    const present = (await this.#ask('Opening', () => table.schema())).fields.map(describe);
    const missing = this.#schema.fields.map(describe).filter((field) => !present.includes(field));
    if (missing.length > 0)
      throw fatalError(
        'LANCEDB_OTHER_TABLE',
        `${this.location} is a table of another shape: it has no ${missing.join(', ')}. Write elsewhere with --lancedb-uri.`,
      );
    this.#table = table;
    return true;
  }

  /** Empty, in the place of what is there. */
  async create(): Promise<void> {
    this.#table = await this.#ask('Making', () =>
      this.#connection.createEmptyTable(this.#name, this.#schema, { mode: 'overwrite' }),
    );
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#ask('Counting', () => this.#opened.countRows())) === 0;
  }

  /**
   * Replaces what is there by what is as new or newer, and adds the rest; `always`: also what is older.
   * Ids are there once each.
   */
  upsert(rows: readonly LanceRow[], always = false): Promise<void> {
    const older = always ? undefined : { where: 'target.log_offset <= source.log_offset' };
    return this.#change('Writing to', async (table) => {
      const merge = table.mergeInsert('id').whenMatchedUpdateAll(older).whenNotMatchedInsertAll();
      await merge.execute(tableOf(this.#loaded.arrow, this.#schema, rows));
    });
  }

  /** Removes ids, but for rows whose offset is beyond `upTo`. Left out: whatever is there. */
  async remove(ids: readonly string[], upTo?: number): Promise<void> {
    const older = upTo === undefined ? '' : ` AND log_offset <= ${upTo}`;
    for (let from = 0; from < ids.length; from += DELETE_IDS) {
      // One list: LanceDB takes no more than 500 conditions.
      const list = ids.slice(from, from + DELETE_IDS).map((id) => `'${id.replaceAll("'", "''")}'`);
      await this.#change('Deleting from', (table) => table.delete(`id IN (${list.join()})${older}`));
    }
  }

  /** Joins small files, takes new rows into the indexes, and makes those that are wanted and not there. */
  async complete(index: VectorIndex): Promise<void> {
    const rows = await this.#ask('Counting', () => this.#opened.countRows());
    const present = await this.#ask('Opening', () => this.#opened.listIndices());
    const has = (column: string): boolean => present.some(({ columns }) => columns.includes(column));
    const { Index } = this.#loaded.lancedb;
    if (rows >= ROWS_FOR_ID_INDEX && !has('id'))
      await this.#change('Indexing', (table) => table.createIndex('id', { config: Index.btree() }));
    if (index !== 'none' && !has('vector')) {
      const options = { distanceType: this.#distance };
      if (index === 'ivf-pq' && rows < ROWS_FOR_IVF_PQ)
        this.#options.onWarning(`${this.location} has ${rows} rows; an index ivf-pq needs ${ROWS_FOR_IVF_PQ}.`);
      else if (rows > 0) {
        const config = index === 'hnsw' ? Index.hnswSq(options) : Index.ivfPq(options);
        await this.#change('Indexing', (table) => table.createIndex('vector', { config }));
      }
    }
    await this.#change('Optimising', (table) => table.optimize());
  }

  async *contents(signal?: AbortSignal): AsyncGenerator<readonly StoredEmbedding[]> {
    const table = this.#table;
    if (table === undefined) return;
    try {
      for await (const batch of table.query().select(['id', 'created_at'])) {
        signal?.throwIfAborted();
        const [ids, times] = [batch.getChild('id'), batch.getChild('created_at')];
        yield Array.from({ length: batch.numRows }, (_, i) => ({
          ...{ id: String(ids?.get(i)), createdAt: Number(times?.get(i)) },
        }));
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw lanceFault('Reading', this.location, error);
    }
  }

  /** Best first. */
  async search(query: StoreQuery): Promise<readonly StoreMatch[]> {
    try {
      return await searchTable(this.#opened, this.#distance, this.#options, query);
    } catch (error) {
      query.signal?.throwIfAborted();
      throw lanceFault('Searching', this.location, error);
    }
  }

  async close(): Promise<void> {
    await this.#working;
    this.#table?.close();
    this.#connection.close();
  }

  get #distance(): DistanceType {
    const { similarity } = this.#options;
    return similarity === 'euclidean' ? 'l2' : similarity;
  }

  /** One after the other; again, where another process has committed in between. */
  #change(doing: string, change: (table: LanceTable) => Promise<unknown>): Promise<void> {
    const attempt = async (): Promise<void> => {
      for (let failed = 0; ; failed++)
        try {
          await change(this.#opened);
          return;
        } catch (error) {
          if (!isConflict(error) || failed + 1 === MOST_ATTEMPTS) throw lanceFault(doing, this.location, error);
          await delay(backoffDelayMs(failed, Math.random(), BACKOFF));
        }
    };
    const done = this.#working.then(attempt);
    this.#working = done.catch(() => undefined);
    return done;
  }

  async #ask<Answer>(doing: string, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      throw lanceFault(doing, this.location, error);
    }
  }

  get #opened(): LanceTable {
    if (this.#table === undefined) throw fatalError('LANCEDB_NO_TABLE', `${this.location} is not there: run "sink".`);
    return this.#table;
  }
}

function describe({ name, type }: Schema['fields'][number]): string {
  return `${name} (${String(type)})`;
}
