import { digestOfId, wordOfDigest } from './id-digest.ts';

const KEY_WORDS = 3;
const MAX_LOAD = 0.8;
const GROWTH = 1.5;
const FIRST_CAPACITY = 1024;
const MOST_EXPECTED = 20_000_000;
const TWO_32 = 0x1_0000_0000;
/** Ids remembered as they are, so that reading them in the same order again needs no hash. */
const REMEMBERED_BYTES = 32 * 1024 * 1024;

export interface IdentityIndexOptions {
  readonly expected?: number;
  /** Ids kept as they are; beyond it they are hashed each time. */
  readonly rememberedBytes?: number | undefined;
}

/**
 * Numbers ids 0, 1, 2 … in the order in which they come, so that what is known of them can stand in plain arrays.
 * Ids are told apart by the first 96 bits of their SHA-256 (see {@link IdentityTable}), at some 20 bytes an id.
 *
 * Topics hold their ids in much the same order. So the id is first compared with the one that followed the last one
 * when it was new; only where that fails, it is hashed. The first 32 MiB of ids are remembered for this.
 */
export class IdentityIndex {
  /** (size, 3) */
  #keys: Uint32Array;
  /** Index + 1 of the id in each slot, 0: empty. */
  #slots: Uint32Array;
  #size = 0;
  #last = -1;
  readonly #rememberedBytes: number;
  #ids = new Uint8Array(FIRST_CAPACITY * 16);
  /** (size + 1,): id i is [starts[i], starts[i + 1]); empty when it is not remembered. */
  #starts: Uint32Array;
  #k0 = 0;
  #k1 = 0;
  #k2 = 0;

  /** Ids that are expected: memory that is taken but not used yet costs nothing, growing leaves garbage behind. */
  readonly expected: number;

  constructor({ expected = FIRST_CAPACITY, rememberedBytes = REMEMBERED_BYTES }: IdentityIndexOptions = {}) {
    this.expected = Math.min(Math.max(expected, FIRST_CAPACITY), MOST_EXPECTED);
    this.#keys = new Uint32Array(this.expected * KEY_WORDS);
    this.#slots = new Uint32Array(Math.ceil(this.expected / MAX_LOAD));
    this.#starts = new Uint32Array(this.expected + 1);
    this.#rememberedBytes = rememberedBytes;
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#keys.byteLength + this.#slots.byteLength + this.#ids.byteLength + this.#starts.byteLength;
  }

  /** Number of the id in [start, end) of `bytes` (UTF-8), a new one when it was not there (`size` tells). */
  add(bytes: Uint8Array, start = 0, end = bytes.length): number {
    if (this.#follows(bytes, start, end)) return ++this.#last;
    this.#digest(bytes, start, end);
    const slot = this.#probe();
    const known = this.#slots[slot] ?? 0;
    this.#last = known > 0 ? known - 1 : this.#append(slot, bytes, start, end);
    return this.#last;
  }

  /** Number of the id, or -1. */
  find(bytes: Uint8Array, start = 0, end = bytes.length): number {
    if (this.#follows(bytes, start, end)) return ++this.#last;
    this.#digest(bytes, start, end);
    const index = (this.#slots[this.#probe()] ?? 0) - 1;
    if (index >= 0) this.#last = index;
    return index;
  }

  /** True when it is the id after the last one. */
  #follows(bytes: Uint8Array, start: number, end: number): boolean {
    const next = this.#last + 1;
    if (next >= this.#size || end <= start) return false;
    const at = this.#starts[next] ?? 0;
    if ((this.#starts[next + 1] ?? 0) - at !== end - start) return false;
    const ids = this.#ids;
    // From the end: neighbours mostly differ there.
    for (let i = end - start - 1; i >= 0; i--) if (ids[at + i] !== bytes[start + i]) return false;
    return true;
  }

  #digest(bytes: Uint8Array, start: number, end: number): void {
    const id = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    const digest = digestOfId(id);
    this.#k0 = wordOfDigest(digest, 0);
    this.#k1 = wordOfDigest(digest, 4);
    this.#k2 = wordOfDigest(digest, 8);
  }

  /** The slot of the digest: where it is, or the empty one where it belongs. */
  #probe(): number {
    const slots = this.#slots;
    const keys = this.#keys;
    let slot = Math.floor((this.#k0 * slots.length) / TWO_32);
    for (;;) {
      const at = ((slots[slot] ?? 0) - 1) * KEY_WORDS;
      if (at < 0) return slot;
      if (keys[at] === this.#k0 && keys[at + 1] === this.#k1 && keys[at + 2] === this.#k2) return slot;
      slot = slot + 1 === slots.length ? 0 : slot + 1;
    }
  }

  #append(slot: number, bytes: Uint8Array, start: number, end: number): number {
    const index = this.#size++;
    const at = index * KEY_WORDS;
    if (at === this.#keys.length) this.#growKeys();
    this.#keys[at] = this.#k0;
    this.#keys[at + 1] = this.#k1;
    this.#keys[at + 2] = this.#k2;
    this.#remember(index, bytes, start, end);
    if (this.#size > this.#slots.length * MAX_LOAD) this.#growSlots();
    else this.#slots[slot] = index + 1;
    return index;
  }

  #remember(index: number, bytes: Uint8Array, start: number, end: number): void {
    const at = this.#starts[index] ?? 0;
    let next = at + end - start;
    if (next > this.#rememberedBytes) next = at;
    if (next > this.#ids.length) {
      const grown = new Uint8Array(Math.min(this.#rememberedBytes, Math.ceil(next * GROWTH)));
      grown.set(this.#ids);
      this.#ids = grown;
    }
    for (let i = at; i < next; i++) this.#ids[i] = bytes[start + i - at] ?? 0;
    this.#starts[index + 1] = next;
  }

  #growKeys(): void {
    const capacity = Math.ceil((this.#keys.length / KEY_WORDS) * GROWTH);
    const keys = new Uint32Array(capacity * KEY_WORDS);
    keys.set(this.#keys);
    this.#keys = keys;
    const starts = new Uint32Array(capacity + 1);
    starts.set(this.#starts);
    this.#starts = starts;
  }

  #growSlots(): void {
    this.#slots = new Uint32Array(Math.ceil(this.#slots.length * GROWTH));
    for (let index = 0; index < this.#size; index++) {
      const at = index * KEY_WORDS;
      this.#k0 = this.#keys[at] ?? 0;
      this.#k1 = this.#keys[at + 1] ?? 0;
      this.#k2 = this.#keys[at + 2] ?? 0;
      this.#slots[this.#probe()] = index + 1;
    }
  }
}
