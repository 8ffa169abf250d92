import { digestOfId, wordOfDigest } from './id-digest.ts';

const WORDS = 6;
const KEY_WORDS = 3;
const MAX_LOAD = 0.8;
const GROWTH = 1.5;

/**
 * An open-addressing table from ids to 12 bytes of payload, 24 bytes a slot: a million entries take some 35 MB where
 * a Map of strings takes 150. Ids are kept as the first 96 bits of their SHA-256, so that two of 10^8 ids collide
 * with a probability below 10^-13, also when somebody picks the ids.
 *
 * A slot number is valid until the next `upsert` or `delete`.
 */
export class IdentityTable {
  #slots: Uint32Array<ArrayBuffer>;
  #capacity: number;
  #size = 0;
  #k0 = 0;
  #k1 = 0;
  #k2 = 0;

  constructor(expectedEntries = 1024) {
    this.#capacity = Math.max(64, Math.ceil(expectedEntries / MAX_LOAD));
    this.#slots = new Uint32Array(this.#capacity * WORDS);
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#slots.byteLength;
  }

  /** Slot of the id (text, or its UTF-8), or -1. */
  find(id: string | Uint8Array): number {
    this.#digest(id);
    const slot = this.#probe();
    return this.#isEmpty(slot) ? -1 : slot;
  }

  /** Slot of the id, made with a payload of zeros when it was not there (`size` tells). */
  upsert(id: string | Uint8Array): number {
    this.#digest(id);
    let slot = this.#probe();
    if (!this.#isEmpty(slot)) return slot;
    if (this.#size + 1 > this.#capacity * MAX_LOAD) {
      this.#grow();
      slot = this.#probe();
    }
    const at = slot * WORDS;
    this.#slots[at] = this.#k0;
    this.#slots[at + 1] = this.#k1;
    this.#slots[at + 2] = this.#k2;
    this.#size++;
    return slot;
  }

  delete(id: string | Uint8Array): boolean {
    let hole = this.find(id);
    if (hole < 0) return false;
    this.#size--;
    // Close the gap: a later entry of the run moves back when its home lies at or before the hole.
    let next = hole;
    for (;;) {
      next = next + 1 === this.#capacity ? 0 : next + 1;
      if (this.#isEmpty(next)) break;
      const home = this.#home(this.#slots[next * WORDS] ?? 0);
      const distance = (next - home + this.#capacity) % this.#capacity;
      const gap = (next - hole + this.#capacity) % this.#capacity;
      if (distance < gap) continue;
      this.#slots.copyWithin(hole * WORDS, next * WORDS, (next + 1) * WORDS);
      hole = next;
    }
    this.#slots.fill(0, hole * WORDS, (hole + 1) * WORDS);
    return true;
  }

  /** Word 0 to 2 of a slot's payload. */
  payload(slot: number, word: number): number {
    return this.#slots[slot * WORDS + KEY_WORDS + word] ?? 0;
  }

  setPayload(slot: number, word: number, value: number): void {
    this.#slots[slot * WORDS + KEY_WORDS + word] = value;
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
    for (let slot = 0; slot < this.#capacity; slot++) if (!this.#isEmpty(slot)) yield slot;
  }

  #digest(id: string | Uint8Array): void {
    const digest = digestOfId(id);
    this.#k0 = wordOfDigest(digest, 0);
    this.#k1 = wordOfDigest(digest, 4);
    // A key of zeros marks an empty slot.
    this.#k2 = wordOfDigest(digest, 8) || 1;
  }

  #home(k0: number): number {
    return Math.floor((k0 * this.#capacity) / 0x1_0000_0000);
  }

  #isEmpty(slot: number): boolean {
    return this.#slots[slot * WORDS + 2] === 0;
  }

  #probe(): number {
    const slots = this.#slots;
    let slot = this.#home(this.#k0);
    for (;;) {
      const at = slot * WORDS;
      if (slots[at + 2] === 0) return slot;
      if (slots[at] === this.#k0 && slots[at + 1] === this.#k1 && slots[at + 2] === this.#k2) return slot;
      slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const [k0, k1, k2] = [this.#k0, this.#k1, this.#k2];
    this.#capacity = Math.ceil(this.#capacity * GROWTH);
    this.#slots = new Uint32Array(this.#capacity * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 2] === 0) continue;
      this.#k0 = old[at] ?? 0;
      this.#k1 = old[at + 1] ?? 0;
      this.#k2 = old[at + 2] ?? 0;
      const to = this.#probe() * WORDS;
      for (let word = 0; word < WORDS; word++) this.#slots[to + word] = old[at + word] ?? 0;
    }
    // Tens of megabytes, which would wait for the collector.
    old.buffer.transfer(0);
    this.#k0 = k0;
    this.#k1 = k1;
    this.#k2 = k2;
  }
}
