import type { EmbeddingScanner } from '../../codec/embedding-scanner.ts';

const TWO_32 = 0x1_0000_0000;
const MAX_DATE_MS = 8.64e15;

/** When embeddings were made, in ISO 8601; rows of one batch have one time. */
export class IsoTimes {
  #lastMs = NaN;
  #last = '';

  of({ createdAtHigh, createdAtLow }: Pick<EmbeddingScanner, 'createdAtHigh' | 'createdAtLow'>): string {
    const ms = createdAtHigh * TWO_32 + (createdAtLow >>> 0);
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      // What no calendar has a day for is no time.
      this.#last = new Date(Math.abs(ms) <= MAX_DATE_MS ? ms : 0).toISOString();
    }
    return this.#last;
  }
}
