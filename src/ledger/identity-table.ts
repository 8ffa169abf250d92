import { release } from '../record/release.ts';
import { digestOfId, wordOfDigest } from './id-digest.ts';

const WORDS = 6;
const KEY_WORDS = 3;
const MAX_LOAD = 0.8;
const GROWTH = 1.5;
const PARTS = 64;

/** A part of the table, with a capacity of its own. */
interface Part {
  /** (capacity, 6): three words of key, three of payload. */
  words: Uint32Array<ArrayBuffer>;
  capacity: number;
  size: number;
}

/**
 * An open-addressing table from ids to 12 bytes of payload, 24 bytes a slot: a million entries take some 35 MB where
 * a Map of strings takes 150. Ids are kept as the first 96 bits of their SHA-256, so that two of 10^8 ids collide
 * with a probability below 10^-13, also when somebody picks the ids.
 *
 * It consists of parts that grow by themselves: one large array would be there twice while it grows, and glibc, once
 * tens of megabytes were given back to it, keeps as much for itself from then on (`M_MMAP_THRESHOLD` in mallopt(3)):
 * some 50 MB of `embed` of 1,000,000 rows.
 *
 * A slot number is valid until the next `upsert` or `delete`.
 */
export class IdentityTable {
  readonly #parts: readonly Part[];
  #size = 0;
  #k0 = 0;
  #k1 = 0;
  #k2 = 0;

  constructor(expectedEntries = 1024, parts = PARTS) {
    const capacity = Math.max(4, Math.ceil(expectedEntries / parts / MAX_LOAD));
    this.#parts = Array.from({ length: parts }, () => ({
      words: new Uint32Array(capacity * WORDS),
      capacity,
      size: 0,
    }));
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#parts.reduce((sum, { words }) => sum + words.byteLength, 0);
  }

  /** Slot of the id (text, or its UTF-8), or -1. */
  find(id: string | Uint8Array): number {
    this.#digest(id);
    const index = this.#partIndex();
    const part = this.#part(index);
    const local = this.#probe(part);
    return isEmpty(part, local) ? -1 : this.#slot(local, index);
  }

  /** Slot of the id, made with a payload of zeros when it was not there (`size` tells). */
  upsert(id: string | Uint8Array): number {
    this.#digest(id);
    const index = this.#partIndex();
    const part = this.#part(index);
    let local = this.#probe(part);
    if (!isEmpty(part, local)) return this.#slot(local, index);
    if (part.size + 1 > part.capacity * MAX_LOAD) {
      this.#grow(part);
      local = this.#probe(part);
    }
    const at = local * WORDS;
    part.words[at] = this.#k0;
    part.words[at + 1] = this.#k1;
    part.words[at + 2] = this.#k2;
    part.size++;
    this.#size++;
    return this.#slot(local, index);
  }

  delete(id: string | Uint8Array): boolean {
    this.#digest(id);
    const part = this.#part(this.#partIndex());
    const { words, capacity } = part;
    let hole = this.#probe(part);
    if (isEmpty(part, hole)) return false;
    part.size--;
    this.#size--;
    // Close the gap: a later entry of the run moves back when its home lies at or before the hole.
    let next = hole;
    for (;;) {
      next = next + 1 === capacity ? 0 : next + 1;
      if (isEmpty(part, next)) break;
      const home = homeOf(words[next * WORDS] ?? 0, capacity);
      const distance = (next - home + capacity) % capacity;
      const gap = (next - hole + capacity) % capacity;
      if (distance < gap) continue;
      words.copyWithin(hole * WORDS, next * WORDS, (next + 1) * WORDS);
      hole = next;
    }
    words.fill(0, hole * WORDS, (hole + 1) * WORDS);
    return true;
  }

  /** Word 0 to 2 of a slot's payload. */
  payload(slot: number, word: number): number {
    const index = slot % this.#parts.length;
    return this.#part(index).words[((slot - index) / this.#parts.length) * WORDS + KEY_WORDS + word] ?? 0;
  }

  setPayload(slot: number, word: number, value: number): void {
    const index = slot % this.#parts.length;
    this.#part(index).words[((slot - index) / this.#parts.length) * WORDS + KEY_WORDS + word] = value;
  }

  /** A whole number up to 2^53 in payload words 0 and 1. */
  payloadNumber(slot: number): number {
    return this.payload(slot, 1) * 0x1_0000_0000 + this.payload(slot, 0);
  }

  setPayloadNumber(slot: number, value: number): void {
    this.setPayload(slot, 0, value % 0x1_0000_0000);
    this.setPayload(slot, 1, Math.floor(value / 0x1_0000_0000));
  }

  /** All taken slots, in no order. */
  *slots(): Generator<number> {
    for (const [index, part] of this.#parts.entries()) {
      for (let local = 0; local < part.capacity; local++) if (!isEmpty(part, local)) yield this.#slot(local, index);
    }
  }

  #digest(id: string | Uint8Array): void {
    const digest = digestOfId(id);
    this.#k0 = wordOfDigest(digest, 0);
    this.#k1 = wordOfDigest(digest, 4);
    // A key of zeros marks an empty slot.
    this.#k2 = wordOfDigest(digest, 8) || 1;
  }

  #partIndex(): number {
    return this.#k1 % this.#parts.length;
  }

  #part(index: number): Part {
    const part = this.#parts[index];
    if (part === undefined) throw new RangeError(`There is no part ${index} of the identity table.`);
    return part;
  }

  #slot(local: number, part: number): number {
    return local * this.#parts.length + part;
  }

  #probe({ words, capacity }: Part): number {
    let local = homeOf(this.#k0, capacity);
    for (;;) {
      const at = local * WORDS;
      if (words[at + 2] === 0) return local;
      if (words[at] === this.#k0 && words[at + 1] === this.#k1 && words[at + 2] === this.#k2) return local;
      local = local + 1 === capacity ? 0 : local + 1;
    }
  }

  #grow(part: Part): void {
    const old = part.words;
    const [k0, k1, k2] = [this.#k0, this.#k1, this.#k2];
    part.capacity = Math.ceil(part.capacity * GROWTH);
    part.words = new Uint32Array(part.capacity * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 2] === 0) continue;
      this.#k0 = old[at] ?? 0;
      this.#k1 = old[at + 1] ?? 0;
      this.#k2 = old[at + 2] ?? 0;
      const to = this.#probe(part) * WORDS;
      for (let word = 0; word < WORDS; word++) part.words[to + word] = old[at + word] ?? 0;
    }
    // Nobody reads it any more, and the collector would let it wait.
    release(old);
    this.#k0 = k0;
    this.#k1 = k1;
    this.#k2 = k2;
  }
}

function homeOf(k0: number, capacity: number): number {
  return Math.floor((k0 * capacity) / 0x1_0000_0000);
}

function isEmpty({ words }: Part, local: number): boolean {
  return words[local * WORDS + 2] === 0;
}
