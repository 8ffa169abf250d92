import { fatalError } from '../../../errors.ts';
import type {
  BuildMode,
  EmbeddingChange,
  OpenStoreOptions,
  Store,
  StoredEmbedding,
  StoreFault,
  StoreMatch,
  StorePartition,
  StorePartitionContext,
  StoreQuery,
  StoreStats,
} from '../port.ts';
import { Batch } from './batch.ts';
import { changeFault } from './change-faults.ts';
import { Database } from './database.ts';
import { addressOf, parseLocation, type TableLocation } from './location.ts';
import { Offsets } from './offsets.ts';
import { TablePartition } from './partition.ts';
import { searchTable } from './search-table.ts';
import { ensureTable, inspectTable, quoted, type TableShape } from './table.ts';
import { dropOwnIndex, ensureIndex } from './vector-index.ts';
import { writeBatch } from './write-batch.ts';

const MAX_CONNECTIONS = 4;

/** A table of Postgres with pgvector: one row an id and model. */
export class PgvectorStore implements Store {
  readonly inputs = ['embeddings'] as const;
  readonly #options: OpenStoreOptions;
  readonly #location: TableLocation;
  readonly #database: Database;
  readonly #stats = { embeddings: 0, deletions: 0, bytes: 0 };
  #shape: TableShape | undefined;

  constructor(options: OpenStoreOptions) {
    const { location, options: flags, environment, onWarning } = options;
    const { pgConnections } = flags;
    this.#options = options;
    this.#location = parseLocation(location);
    this.#database = new Database({
      address: addressOf(this.#location, flags, environment),
      maxConnections: typeof pgConnections === 'number' ? pgConnections : MAX_CONNECTIONS,
      onWarning,
    });
  }

  /** A rebuild writes over what is there; what it has not written over is deleted when it is completed. */
  prepare(mode: BuildMode): Promise<boolean> {
    return this.#database.transaction('making the table ready', async (client) => {
      const shape = await ensureTable(client, this.#location, this.#options.dimension);
      const offsets = this.#offsets(shape);
      const isEmpty = await offsets.prepare(client, shape);
      if (mode === 'rebuild') {
        await offsets.evict(client);
        await offsets.forget(client);
        await offsets.noteRebuild(client);
        await client.query(dropOwnIndex(shape));
      }
      this.#shape = shape;
      return isEmpty || mode === 'rebuild';
    });
  }

  async rewind(positions: ReadonlyMap<number, number>): Promise<void> {
    const shape = await this.#ensureShape();
    await this.#database.transaction('setting offsets back', async (client) => {
      for (const [partition, offset] of positions) await this.#offsets(shape).rewind(client, partition, offset);
    });
  }

  async openEmbeddings({ partition, signal }: StorePartitionContext): Promise<StorePartition<EmbeddingChange>> {
    const shape = await this.#ensureShape();
    return TablePartition.open({
      ...{ database: this.#database, offsets: this.#offsets(shape), shape, model: this.#options.model },
      ...{ partition, signal },
      onWritten: (batch) => {
        this.#count(batch);
      },
    });
  }

  async complete(): Promise<void> {
    const shape = await this.#ensureShape();
    const { model, updated } = quoted(shape.columns);
    await this.#database.transaction('deleting what the rebuild left over', async (client) => {
      const since = await this.#offsets(shape).takeRebuild(client);
      if (since === undefined) return;
      await client.query('set local statement_timeout = 0');
      const values = [this.#options.model, since];
      await client.query(`delete from ${shape.name} where ${model} = $1 and ${updated} < $2::timestamptz`, values);
    });
    if (this.#options.options['pgIndex'] !== 'none') await ensureIndex(this.#database, shape, this.#options);
  }

  async *contents(signal?: AbortSignal): AsyncGenerator<readonly StoredEmbedding[]> {
    const shape = await this.#inspect();
    if (shape === undefined) return;
    const { id, model, created } = quoted(shape.columns);
    const text = `select ${id}::text, round(extract(epoch from ${created}) * 1000)::text from ${shape.name} where ${model} = $1`;
    for await (const rows of this.#database.rows(`reading ${shape.shownName}`, text, [this.#options.model])) {
      signal?.throwIfAborted();
      yield rows.map(([storedId, createdAt]) => ({ id: storedId ?? '', createdAt: Number(createdAt) }));
    }
  }

  async repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]> {
    const shape = await this.#ensureShape();
    const faults: StoreFault[] = [];
    const batch = new Batch({ id: shape.idType, vector: shape.vectorType });
    for (const change of changes) {
      const error = changeFault(change, shape);
      if (error === undefined) batch.add(change);
      else faults.push({ offset: change.offset, error });
    }
    if (batch.size > 0)
      await this.#database.transaction(`repairing ${shape.shownName}`, (client) =>
        writeBatch(client, batch, shape, this.#options.model),
      );
    this.#count(batch);
    return faults;
  }

  async search(query: StoreQuery): Promise<readonly StoreMatch[] | undefined> {
    const shape = await this.#inspect();
    if (shape === undefined) return undefined;
    return searchTable(this.#database, shape, this.#options, query);
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #count({ size, deletions, bytes }: Batch): void {
    this.#stats.embeddings += size - deletions;
    this.#stats.deletions += deletions;
    this.#stats.bytes += bytes;
  }

  #offsets(shape: TableShape): Offsets {
    return new Offsets(shape, this.#options.sinkName);
  }

  /** `reconcile` prepares nothing. Undefined: there is no table. */
  async #inspect(): Promise<TableShape | undefined> {
    this.#shape ??= await this.#database.transaction('looking at the table', (client) =>
      inspectTable(client, this.#location, this.#options.dimension),
    );
    return this.#shape;
  }

  async #ensureShape(): Promise<TableShape> {
    const shape = await this.#inspect();
    if (shape !== undefined) return shape;
    throw fatalError(
      'PGVECTOR_NO_TABLE',
      `There is no table ${this.#location.table} in ${this.#location.database} any more: "sink pgvector" makes it and fills it.`,
    );
  }
}
