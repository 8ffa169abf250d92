/**
 * Rows that wait for a worker, and how they are cut into batches. Pure.
 *
 * Rows of one length share a batch, so that nothing is computed on padding: that is what batching without it loses to
 * a batch of one. The oldest window is served first, its longest rows first, so that the run's tail is short; a batch
 * that it doesn't fill takes rows of the same length from the windows behind it. Where the model can mask padding, a
 * small batch also takes somewhat shorter rows.
 */

export interface WaitingRow {
  /** Tokens. */
  readonly length: number;
}

export interface LengthPoolOptions {
  /** Most tokens in a batch, padding included; a single longer row still makes a batch. */
  readonly batchTokens: number;
  /** Most scores of attention in a batch, rows × length², which is what memory goes to with long rows. Default: any. */
  readonly batchScores?: number;
  /** Whether rows of unlike length may share a batch. */
  readonly pads: boolean;
}

/** Below this many tokens a batch costs more in reading the weights than in arithmetic, and padding pays. */
const SMALL_BATCH_TOKENS = 256;
/** Least length, relative to the longest row, that is worth padding. */
const LEAST_RELATIVE_LENGTH = 0.85;

export class LengthPool<Row extends WaitingRow> {
  readonly #options: LengthPoolOptions;
  #batchTokens: number;
  /** Rows by length, the oldest window's first. */
  readonly #byLength = new Map<number, Row[]>();
  /** Each window's rows that still wait, longest last. */
  #windows: Row[][] = [];
  #size = 0;
  readonly #waiting = new Set<Row>();

  constructor(options: LengthPoolOptions) {
    this.#options = options;
    this.#batchTokens = options.batchTokens;
  }

  /** Rows that wait. */
  get size(): number {
    return this.#size;
  }

  add(window: readonly Row[]): void {
    this.#windows.push(window.toSorted((left, right) => left.length - right.length));
    for (const row of window) {
      this.#waiting.add(row);
      const same = this.#byLength.get(row.length);
      if (same) same.push(row);
      else this.#byLength.set(row.length, [row]);
    }
    this.#size += window.length;
  }

  /** Takes rows back that need no work any more. */
  remove(rows: Iterable<Row>): void {
    const gone = new Set([...rows].filter((row) => this.#waiting.delete(row)));
    this.#size -= gone.size;
    for (const length of new Set([...gone].map((row) => row.length))) {
      const kept = (this.#byLength.get(length) ?? []).filter((row) => !gone.has(row));
      if (kept.length > 0) this.#byLength.set(length, kept);
      else this.#byLength.delete(length);
    }
  }

  /** The next batch, longest row first; undefined when nothing waits. */
  take(): Row[] | undefined {
    const longest = this.#longestOfOldest();
    if (!longest) return undefined;
    const mostRows = this.#mostRows(Math.max(1, longest.length));
    const same = this.#byLength.get(longest.length) ?? [];
    // Even parts: 30 rows where 23 fit go as 15 and 15, as a batch of 7 would waste a reading of the weights.
    const batch = this.#takeOf(longest.length, Math.ceil(same.length / Math.ceil(same.length / mostRows)));
    if (this.#options.pads) {
      const enough = Math.min(mostRows, Math.ceil(SMALL_BATCH_TOKENS / Math.max(1, longest.length)));
      const least = Math.ceil(longest.length * LEAST_RELATIVE_LENGTH);
      for (let length = longest.length - 1; length >= least && batch.length < enough; length--) {
        batch.push(...this.#takeOf(length, enough - batch.length));
      }
    }
    return batch;
  }

  /** These rows were too much memory for one batch: none from now on has more than half of their tokens. */
  shrink(batch: readonly Row[]): void {
    const tokens = batch.reduce((most, { length }) => Math.max(most, length), 0) * batch.length;
    this.#batchTokens = Math.min(this.#batchTokens, Math.max(1, Math.floor(tokens / 2)));
  }

  #mostRows(length: number): number {
    const { batchScores = Infinity } = this.#options;
    return Math.max(1, Math.floor(Math.min(this.#batchTokens / length, batchScores / length ** 2)));
  }

  #longestOfOldest(): Row | undefined {
    for (;;) {
      const window = this.#windows[0];
      if (!window) return undefined;
      const row = window.at(-1);
      if (row && this.#waiting.has(row)) return row;
      if (row) window.pop();
      else this.#windows.shift();
    }
  }

  #takeOf(length: number, count: number): Row[] {
    const same = this.#byLength.get(length);
    if (!same) return [];
    const taken = same.splice(0, count);
    if (same.length === 0) this.#byLength.delete(length);
    for (const row of taken) this.#waiting.delete(row);
    this.#size -= taken.length;
    return taken;
  }
}
