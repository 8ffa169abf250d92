import { locateTable } from './location.ts';
import { LancePartition, split } from './partition.ts';
import { changeFault } from './rows.ts';
import { VectorTable, type VectorIndex } from './table.ts';
import type {
  BuildMode,
  EmbeddingChange,
  OpenStoreOptions,
  Store,
  StoreAdapter,
  StoredEmbedding,
  StoreFault,
  StoreMatch,
  StorePartition,
  StorePartitionContext,
  StoreQuery,
  StoreStats,
} from '../port.ts';

/** A table of a LanceDB database, in a folder or a bucket. */
export const lancedb: StoreAdapter = {
  name: 'lancedb',
  locate: (options, _, model) => locateTable(options, model),
  open: async (options) => new LanceStore(options, await VectorTable.connect(options)),
};

class LanceStore implements Store {
  readonly inputs = ['embeddings'] as const;
  readonly #options: OpenStoreOptions;
  readonly #table: VectorTable;
  readonly #stats = { embeddings: 0, deletions: 0, bytes: 0 };
  #isChanged = false;

  constructor(options: OpenStoreOptions, table: VectorTable) {
    this.#options = options;
    this.#table = table;
  }

  /** A rebuild takes the place of what is there; who reads an earlier version of the table still can. */
  async prepare(mode: BuildMode): Promise<boolean> {
    if (mode === 'rebuild' || !(await this.#table.open())) {
      await this.#table.create();
      return true;
    }
    return this.#table.isEmpty();
  }

  openEmbeddings(context: StorePartitionContext): Promise<StorePartition<EmbeddingChange>> {
    const { dimension } = this.#options;
    const partition = new LancePartition({
      ...{ table: this.#table, dimension, context },
      onWritten: ({ embeddings, deletions, bytes }) => {
        this.#isChanged ||= embeddings + deletions > 0;
        this.#stats.embeddings += embeddings;
        this.#stats.deletions += deletions;
        this.#stats.bytes += bytes;
      },
    });
    return Promise.resolve(partition);
  }

  async complete(): Promise<void> {
    const index = (this.#options.options['lancedbIndex'] ?? 'none') as VectorIndex;
    if (!this.#isChanged && index === 'none') return;
    await this.#table.complete(index);
    this.#isChanged = false;
  }

  async *contents(signal?: AbortSignal): AsyncGenerator<readonly StoredEmbedding[]> {
    if (await this.#table.open()) yield* this.#table.contents(signal);
  }

  async repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]> {
    if (!(await this.#table.open())) await this.#table.create();
    const faults: StoreFault[] = [];
    const good = new Map<string, EmbeddingChange>();
    for (const change of changes) {
      const error = changeFault(change, this.#options.dimension);
      if (error === undefined) good.set(change.id, change);
      else faults.push({ offset: change.offset, error });
    }
    const { rows, removed } = split([...good.values()]);
    if (removed.length > 0) await this.#table.remove(removed);
    if (rows.length > 0) await this.#table.upsert(rows, true);
    return faults;
  }

  async search(query: StoreQuery): Promise<readonly StoreMatch[] | undefined> {
    return (await this.#table.open()) ? this.#table.search(query) : undefined;
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}
