import { DIGEST_WORDS, TOMBSTONE_BIT } from './key-digests.ts';

/** Keys that one pass can hold: 2^21 slots of 16 bytes, at most three quarters full. */
const MAX_SLOTS = 2 ** 21;
const LEAST_SLOTS = 2 ** 10;
const EMPTY = 0xffffffff;

/** One bit a record of a partition, by its place among all that are there. */
export class RecordBits {
  readonly #words: Uint32Array;

  constructor(records: number) {
    this.#words = new Uint32Array(Math.ceil(records / 32));
  }

  add(index: number): void {
    this.#words[index >>> 5] = (this.#words[index >>> 5] ?? 0) | (1 << (index & 31));
  }

  has(index: number): boolean {
    return (((this.#words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  }

  /** Records of [start, end) that are in. */
  count(start: number, end: number): number {
    let count = 0;
    for (let i = start; i < end; i++) if (this.has(i)) count++;
    return count;
  }
}

/** Passes over a partition of so many records, so that each holds a bounded part of the keys. */
export function passesFor(records: number): number {
  return Math.max(1, Math.ceil(records / (MAX_SLOTS * 0.75)));
}

/**
 * Finds what is superseded, from key digests alone and in bounded memory: 16 bytes for each of up to 1.5 million keys,
 * and a bit a record. Records are added in offset order; a pass sees only the keys that are its own.
 */
export class SupersededFinder {
  readonly #passes: number;
  readonly #pass: number;
  readonly #superseded: RecordBits;
  readonly #mask: number;
  readonly #hashes: Uint32Array;
  readonly #latest: Uint32Array;
  found = 0;

  /**
   * @param records how many there are in the partition.
   * @param passes a key belongs to pass `digest mod passes`.
   */
  constructor(records: number, passes: number, pass: number, superseded: RecordBits) {
    this.#passes = passes;
    this.#pass = pass;
    this.#superseded = superseded;
    let slots = LEAST_SLOTS;
    while (slots < MAX_SLOTS && slots * 0.7 < records / passes) slots *= 2;
    // A pass gets its share of keys only on average.
    if (slots === MAX_SLOTS && records / passes > MAX_SLOTS * 0.7) slots *= 2;
    this.#mask = slots - 1;
    this.#hashes = new Uint32Array(slots * DIGEST_WORDS);
    this.#latest = new Uint32Array(slots).fill(EMPTY);
  }

  /** Digests of records `firstIndex` and following. `dropTombstones` marks deletions, too: nobody needs them any more. */
  add(digests: Uint32Array, firstIndex: number, dropTombstones: boolean): void {
    for (let i = 0, index = firstIndex; i < digests.length; i += DIGEST_WORDS, index++) {
      const first = digests[i] ?? 0;
      if (first % this.#passes !== this.#pass) continue;
      const second = digests[i + 1] ?? 0;
      const tagged = digests[i + 2] ?? 0;
      const third = (tagged & ~TOMBSTONE_BIT) >>> 0;
      if (first === 0 && second === 0 && third === 0) continue;
      this.#put(first, second, third, index);
      if (dropTombstones && (tagged & TOMBSTONE_BIT) !== 0) this.#mark(index);
    }
  }

  #put(first: number, second: number, third: number, index: number): void {
    const hashes = this.#hashes;
    let slot = (second ^ (third >>> 7)) & this.#mask;
    for (let before = this.#latest[slot] ?? EMPTY; before !== EMPTY; before = this.#latest[slot] ?? EMPTY) {
      const at = slot * DIGEST_WORDS;
      if (hashes[at] === first && hashes[at + 1] === second && hashes[at + 2] === third) {
        this.#mark(before);
        this.#latest[slot] = index;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
    hashes.set([first, second, third], slot * DIGEST_WORDS);
    this.#latest[slot] = index;
  }

  #mark(index: number): void {
    if (this.#superseded.has(index)) return;
    this.#superseded.add(index);
    this.found++;
  }
}
