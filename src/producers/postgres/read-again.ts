import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffDelayMs, type BackoffOptions } from '../../backoff.ts';
import { failureOutcome, messageOf } from '../../errors.ts';
import { IdentityTable } from '../../ledger/identity-table.ts';
import type { SourceBatch, SourceFault, SourceItem } from '../port.ts';

export interface ReadAgainOptions {
  /** Failures in a row, without a new item between them, before the last one surfaces. */
  readonly maxFailures: number;
  readonly backoff: BackoffOptions;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry: (message: string) => void;
}

export const READ_AGAIN = {
  maxFailures: 8,
  backoff: { baseMs: 500, capMs: 10_000 },
  random: Math.random,
} as const;

/**
 * Batches of a source whose rows come in no order: when reading breaks for a fault of the world it begins anew and leaves
 * out what was handed over already. What is there twice in one reading is handed over twice.
 */
export async function* readAgain(
  read: () => AsyncIterable<SourceBatch>,
  { maxFailures, backoff, random, signal, onRetry }: ReadAgainOptions,
): AsyncGenerator<SourceBatch> {
  const seen = new SeenItems();
  let bytesBefore = 0;
  let failures = 0;
  for (;;) {
    let bytes = 0;
    seen.beginReading();
    try {
      for await (const batch of read()) {
        bytes = batch.bytesRead;
        const items = batch.items.filter((item) => seen.isNew(item));
        // A reading that always breaks at the same row makes no progress.
        if (items.length > 0) failures = 0;
        yield { ...batch, items, bytesRead: bytesBefore + bytes };
      }
      return;
    } catch (error) {
      failures++;
      if (failureOutcome(error) !== 'retry' || failures >= maxFailures || signal?.aborted === true) throw error;
      const waitMs = backoffDelayMs(failures - 1, random(), backoff);
      onRetry(`${messageOf(error)} Reading again in ${(waitMs / 1000).toFixed(1)} s; nothing is published twice.`);
      // An abort cuts the wait short, and the next attempt then ends.
      await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      bytesBefore += bytes;
    }
  }
}

/** Some 35 MB a million rows. */
class SeenItems {
  readonly #table = new IdentityTable();
  #reading = 0;

  beginReading(): void {
    this.#reading++;
  }

  /** True for what no earlier reading has handed over. */
  isNew(item: SourceItem | SourceFault): boolean {
    const before = this.#table.size;
    const slot = this.#table.upsert(item.kind === 'item' ? item.id : `\0${item.code}:${hash('sha256', item.raw)}`);
    const isFirst = this.#table.size > before;
    const lastReading = this.#table.payload(slot, 0);
    this.#table.setPayload(slot, 0, this.#reading);
    return isFirst || lastReading === this.#reading;
  }
}
