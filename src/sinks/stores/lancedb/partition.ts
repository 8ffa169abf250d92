import { changeFault, type LanceRow } from './rows.ts';
import type { VectorTable } from './table.ts';
import type { PipelineError } from '../../../errors.ts';
import type { EmbeddingChange, StorePartition, StorePartitionContext, StoreProgress } from '../port.ts';

/** Every write makes a new version of the table and new files: few large ones are wanted. */
const BATCH_BYTES = 32 * 1024 * 1024;
const BATCH_CHANGES = 20_000;

export interface PartitionOptions {
  readonly table: VectorTable;
  readonly dimension: number;
  readonly context: StorePartitionContext;
  /** Told of what was written. */
  readonly onWritten: (counts: {
    readonly embeddings: number;
    readonly deletions: number;
    readonly bytes: number;
  }) => void;
}

/** Changes of one partition, of each id only the last; a row carries its offset, so that an older one never replaces it. */
export class LancePartition implements StorePartition<EmbeddingChange> {
  readonly #options: PartitionOptions;
  #changes = new Map<string, EmbeddingChange>();
  #bytes = 0;
  /** Next offsets: of all that was taken, of what is durable, of what was reported. */
  #taken: number | undefined;
  #durable: number | undefined;
  #reported: number | undefined;

  constructor(options: PartitionOptions) {
    this.#options = options;
  }

  check(change: EmbeddingChange): PipelineError | undefined {
    return changeFault(change, this.#options.dimension);
  }

  async write(changes: readonly EmbeddingChange[]): Promise<void> {
    for (const change of changes) {
      this.#changes.set(change.id, change);
      this.#bytes +=
        (change.embedding?.vector.byteLength ?? 0) + change.id.length + (change.embedding?.text?.length ?? 0);
      this.#taken = change.offset + 1;
      if (this.#bytes >= BATCH_BYTES || this.#changes.size >= BATCH_CHANGES) await this.flush();
    }
  }

  progress(): StoreProgress {
    if (this.#durable === undefined || this.#durable === this.#reported) return { faults: [] };
    this.#reported = this.#durable;
    return { faults: [], offset: this.#durable };
  }

  async flush(): Promise<void> {
    const { table, context, onWritten } = this.#options;
    const [changes, bytes, taken] = [[...this.#changes.values()], this.#bytes, this.#taken];
    this.#changes = new Map();
    this.#bytes = 0;
    const { rows, removed } = split(changes);
    if (removed.length > 0) {
      await context.assertOwner();
      // Whatever came after a deletion up to here is among these changes itself.
      await table.remove(removed, taken);
    }
    if (rows.length > 0) {
      await context.assertOwner();
      await table.upsert(rows);
    }
    this.#durable = taken;
    onWritten({ embeddings: rows.length, deletions: removed.length, bytes });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function split(changes: readonly EmbeddingChange[]): {
  readonly rows: readonly LanceRow[];
  readonly removed: readonly string[];
} {
  const rows = changes.flatMap(({ offset, embedding }) => (embedding === null ? [] : [{ offset, embedding }]));
  return { rows, removed: changes.filter(({ embedding }) => embedding === null).map(({ id }) => id) };
}
