import { readFile } from 'node:fs/promises';
import { KEYS_SUFFIX } from './json/jsonl-encoder.ts';
import type { Log } from '../log/port.ts';
import type { ShardStore } from './shard-store.ts';
import { DEAD_LETTER_HEADERS } from '../record/dead-letter.ts';
import type { ShardDescriptor } from '../record/types.ts';

const PROGRESS_NAME = 'progress.json';

/** What stands in `progress.json` beside JSONL batches. */
interface BatchProgress {
  /** Of all that was read, from 0 on; -1: nothing. */
  readonly lastProcessedIndex: number;
  /** Embeddings in the batches. */
  readonly totalProcessed: number;
  /** Deletions: they have no row. */
  readonly totalSkipped: number;
  /** Dead letters of this output. */
  readonly totalFailed: number;
  readonly lastObjectId: string | null;
  readonly timestamp: string;
}

export interface ProgressFileOptions {
  readonly store: Pick<ShardStore, 'open' | 'replaceText'>;
  readonly log: Pick<Log, 'read' | 'topics'>;
  readonly deadLetters: string;
  readonly group: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Keeps `progress.json` up with the log. Calls never overlap. */
export class ProgressFile {
  readonly #options: ProgressFileOptions;
  /** Where to read on, by partition of the dead letters. */
  readonly #next = new Map<number, number>();
  #failed = 0;

  constructor(options: ProgressFileOptions) {
    this.#options = options;
  }

  /** `shards`: all that are committed. */
  async update(shards: readonly ShardDescriptor[]): Promise<void> {
    const { store, clock } = this.#options;
    await this.#countFailed();
    const totalProcessed = shards.reduce((sum, { rows }) => sum + rows, 0);
    const totalSkipped = shards.reduce((sum, { deletions }) => sum + deletions, 0);
    const progress: BatchProgress = {
      lastProcessedIndex: totalProcessed + totalSkipped + this.#failed - 1,
      ...{ totalProcessed, totalSkipped, totalFailed: this.#failed },
      lastObjectId: await lastId(store, shards),
      timestamp: new Date(clock()).toISOString(),
    };
    await store.replaceText(PROGRESS_NAME, `${JSON.stringify(progress, null, 2)}\n`);
  }

  async #countFailed(): Promise<void> {
    const { log, deadLetters, group } = this.#options;
    const topic = (await log.topics()).find(({ name }) => name === deadLetters);
    for (const { partition, startOffset, endOffset } of topic?.partitionInfo ?? []) {
      const from = Math.max(startOffset, this.#next.get(partition) ?? 0);
      if (from < endOffset)
        for await (const { records } of log.read(deadLetters, partition, from, endOffset, { transient: true }))
          for (const { headers } of records) {
            const connector = headers[DEAD_LETTER_HEADERS.connector];
            if (connector !== undefined && Buffer.from(connector).toString() === group) this.#failed++;
          }
      this.#next.set(partition, endOffset);
    }
  }
}

/** Of the last row of the shard that was written last; null where its file can't say. */
async function lastId(store: Pick<ShardStore, 'open'>, shards: readonly ShardDescriptor[]): Promise<string | null> {
  const last = shards.reduce<ShardDescriptor | undefined>(
    (best, shard) => (shard.rows > 0 && shard.createdAt >= (best?.createdAt ?? -Infinity) ? shard : best),
    undefined,
  );
  const keys = last?.files.find(({ name }) => name.endsWith(KEYS_SUFFIX));
  if (keys === undefined) return null;
  const file = await store.open(keys.name);
  if (file === undefined) return null;
  try {
    const lines = (await readFile(file.path, 'utf8')).trimEnd();
    const { id } = JSON.parse(lines.slice(lines.lastIndexOf('\n') + 1)) as Record<string, unknown>;
    return typeof id === 'string' ? id : null;
  } catch {
    // Removed or damaged by hand: `reconcile` says so, and embeddings go on being written.
    return null;
  } finally {
    await file.release();
  }
}
