import { fatalError } from '../../../errors.ts';
import type { EmbeddingChange, StorePartition, StoreProgress } from '../port.ts';
import { Batch } from './batch.ts';
import { changeFault, isVain } from './change-faults.ts';
import type { Database } from './database.ts';
import type { Offsets } from './offsets.ts';
import type { TableShape } from './table.ts';
import { writeBatch } from './write-batch.ts';

/** One is encoded while another is written. */
const BATCH_BYTES = 16 * 1024 * 1024;
const BATCH_ROWS = 20_000;

export interface PartitionOptions {
  readonly database: Database;
  readonly offsets: Offsets;
  readonly shape: TableShape;
  readonly model: string;
  readonly partition: number;
  readonly signal: AbortSignal;
  /** Told of what was committed. */
  readonly onWritten: (batch: Batch) => void;
}

/** Rows and offset move together, in one transaction a batch; one transaction is under way while the next batch gathers. */
export class TablePartition implements StorePartition<EmbeddingChange> {
  readonly storedOffset?: number;
  readonly #options: PartitionOptions;
  readonly #epoch: string;
  #batch: Batch;
  /** Written before, to be filled again. */
  #spare: Batch;
  #writing: Promise<void> = Promise.resolve();
  /** Next offset in the table, and as it was reported. */
  #durable: number | undefined;
  #reported: number | undefined;
  #failure: Error | undefined;

  static async open(options: PartitionOptions): Promise<TablePartition> {
    const { database, offsets, partition, signal } = options;
    await database.attempt((client) => offsets.evict(client, partition));
    const take = (client: Parameters<Offsets['take']>[0]) => offsets.take(client, partition);
    return new TablePartition(options, await database.transaction('taking a partition over', take, signal));
  }

  private constructor(
    options: PartitionOptions,
    { epoch, next }: { readonly epoch: string; readonly next: number | undefined },
  ) {
    this.#options = options;
    this.#epoch = epoch;
    const format = { id: options.shape.idType, vector: options.shape.vectorType };
    this.#batch = new Batch(format);
    this.#spare = new Batch(format);
    this.#durable = next;
    this.#reported = next;
    if (next !== undefined) this.storedOffset = next;
  }

  check(change: EmbeddingChange): ReturnType<typeof changeFault> {
    return changeFault(change, this.#options.shape);
  }

  async write(changes: readonly EmbeddingChange[]): Promise<void> {
    for (const change of changes) {
      if (isVain(change, this.#options.shape)) this.#batch.skip(change);
      else this.#batch.add(change);
      if (this.#batch.bytes >= BATCH_BYTES || this.#batch.size >= BATCH_ROWS) await this.#begin();
    }
  }

  progress(): StoreProgress {
    if (this.#durable === undefined || this.#durable === this.#reported) return { faults: [] };
    this.#reported = this.#durable;
    return { faults: [], offset: this.#durable };
  }

  async flush(): Promise<void> {
    if (this.#batch.next !== undefined) await this.#begin();
    await this.#settled();
  }

  async close(): Promise<void> {
    // What was under way may still be committed; whoever comes next sees whether it was.
    await this.#writing;
  }

  /** Begins to write the batch, once the one before is through. */
  async #begin(): Promise<void> {
    await this.#settled();
    const batch = this.#batch;
    this.#batch = this.#spare;
    this.#batch.clear();
    this.#spare = batch;
    this.#writing = this.#write(batch).catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Rejects with what has gone wrong since. */
  async #settled(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(batch: Batch): Promise<void> {
    const { database, offsets, shape, model, partition, signal, onWritten } = this.#options;
    const { next } = batch;
    if (next === undefined) return;
    await database.transaction(
      `writing to ${shape.shownName}`,
      async (client) => {
        const present = await offsets.hold(client, partition, this.#epoch);
        // The attempt before was committed, and only its answer got lost.
        if (present === next) return;
        if (present !== this.#durable)
          throw fatalError(
            'PGVECTOR_OFFSET_MOVED',
            `The offset of partition ${partition} beside ${shape.shownName} was changed by somebody else: start again.`,
          );
        if (batch.size > 0) await writeBatch(client, batch, shape, model);
        await offsets.move(client, partition, next);
      },
      signal,
    );
    this.#durable = next;
    onWritten(batch);
  }
}
