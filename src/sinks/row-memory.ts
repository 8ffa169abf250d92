import { release } from '../record/release.ts';

/** Sizes are rounded up to it, so that what held one batch holds the next. */
const STEP_BYTES = 256 * 1024;

/**
 * Memory that goes to another thread and comes back. New memory for every batch costs its pages and its zeros, and has
 * the collector run for the sake of what is only passed through.
 */
export class RowMemory {
  readonly #maxBytes: number;
  #free: ArrayBuffer[] = [];
  #freeBytes = 0;

  /** @param maxBytes that are kept while nobody uses them */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** At least `bytes`, with anything in it. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const index = this.#free.findIndex((each) => each.byteLength >= bytes);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    if (found === undefined) return new Uint8Array(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
    this.#freeBytes -= found.byteLength;
    return new Uint8Array(found);
  }

  giveBack(memory: ArrayBuffer): void {
    this.#free.push(memory);
    this.#freeBytes += memory.byteLength;
    // The oldest go first: sizes change with the source.
    while (this.#freeBytes > this.#maxBytes) {
      const oldest = this.#free.shift();
      if (oldest === undefined) break;
      this.#freeBytes -= oldest.byteLength;
      release(oldest);
    }
  }
}
