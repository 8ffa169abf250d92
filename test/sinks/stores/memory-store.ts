import type { PipelineError } from '../../../src/errors.ts';
import type {
  BuildMode,
  EmbeddingChange,
  Store,
  StorePartition,
  StoredEmbedding,
  StoreFault,
} from '../../../src/sinks/stores/port.ts';

/** A store whose writes become durable only when a test says so. */
export class MemoryStore implements Store {
  readonly inputs = ['embeddings'] as const;
  readonly rows = new Map<string, number>();
  readonly modes: BuildMode[] = [];
  readonly rewound: ReadonlyMap<number, number>[] = [];
  isEmpty = false;
  completed = 0;
  flushes = 0;
  /** Offsets as they were handed over. */
  readonly handed: number[] = [];
  storedOffset: number | undefined;
  refuse: (change: EmbeddingChange) => PipelineError | undefined = () => undefined;
  /** Faults that the next `progress` reports. */
  faults: StoreFault[] = [];
  /** What is durable on its own, without a flush. */
  durable: number | undefined;
  /** Awaited in `write`. */
  room: Promise<void> = Promise.resolve();
  failNext: Error | undefined;
  #last = -1;

  prepare(mode: BuildMode): Promise<boolean> {
    this.modes.push(mode);
    if (this.failNext !== undefined) return Promise.reject(this.failNext);
    return Promise.resolve(this.isEmpty || mode === 'rebuild');
  }

  rewind(offsets: ReadonlyMap<number, number>): Promise<void> {
    this.rewound.push(offsets);
    return Promise.resolve();
  }

  openEmbeddings(): Promise<StorePartition<EmbeddingChange>> {
    return Promise.resolve({
      ...(this.storedOffset !== undefined && { storedOffset: this.storedOffset }),
      check: (change) => this.refuse(change),
      write: async (changes) => {
        await this.room;
        for (const { offset, id, embedding } of changes) {
          this.handed.push(offset);
          if (embedding === null) this.rows.delete(id);
          else this.rows.set(id, embedding.createdAt);
          this.#last = offset;
        }
      },
      progress: () => ({
        ...(this.durable !== undefined && { offset: this.durable }),
        faults: this.faults.splice(0),
      }),
      flush: () => {
        this.flushes++;
        if (this.#last >= 0) this.durable = this.#last + 1;
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  }

  complete(): Promise<void> {
    this.completed++;
    return Promise.resolve();
  }

  async *contents(): AsyncGenerator<readonly StoredEmbedding[]> {
    yield await Promise.resolve([...this.rows].map(([id, createdAt]) => ({ id, createdAt })));
  }

  repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]> {
    const faults: StoreFault[] = [];
    for (const change of changes) {
      const error = this.refuse(change);
      if (error !== undefined) faults.push({ offset: change.offset, error });
      else if (change.embedding === null) this.rows.delete(change.id);
      else this.rows.set(change.id, change.embedding.createdAt);
    }
    return Promise.resolve(faults);
  }

  stats(): ReturnType<Store['stats']> {
    return { embeddings: this.handed.length, deletions: 0, bytes: 0 };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
