import { IdentityTable } from '../../ledger/identity-table.ts';
import { partitionOf } from '../../log/partitioner.ts';

/** 42 bits hold milliseconds up to the year 2109. */
const TIME_LIMIT = 2 ** 42;
const OFFSET_LIMIT = 2 ** 40;
const PARTITION_LIMIT = 2 ** 13;
const TWO_32 = 2 ** 32;
const LIVE = 1;
const PARTITION_SHIFT = 1;
const OFFSET_SHIFT = 14;
const TIME_SHIFT = 22;

/** One version of a key. */
export interface Version {
  readonly partition: number;
  readonly offset: number;
  /** False: a deletion. */
  readonly isLive: boolean;
}

/** Where a topic has grown, a key may be in several partitions; this decides which of its versions is the newest. */
export interface VersionOrder {
  /** Partitions that the topic has now. */
  readonly partitions: number;
  /** The partition whose version of this key is preferred to any other. */
  readonly preferred?: (key: Uint8Array) => number | undefined;
}

/**
 * The newest version of each key of a topic, 24 bytes a key, also of topics whose partition count has changed:
 *
 * 1. Within a partition the higher offset is newer.
 * 2. A version in the preferred partition is newer than one elsewhere: what a processor wrote about a record is beside
 *    the version of the record that counts.
 * 3. The later time is newer.
 * 4. At the same time, the one in the partition where the key belongs now: it was written after the topic grew.
 * 5. The higher partition: it was added later.
 *
 * A deletion is a version like any other. Versions are to be noted partition after partition, in offset order.
 */
export class Versions {
  readonly #order: VersionOrder;
  readonly #table: IdentityTable;

  constructor(order: VersionOrder, expected?: number) {
    if (order.partitions > PARTITION_LIMIT) throw new RangeError(`More than ${PARTITION_LIMIT} partitions.`);
    this.#order = order;
    this.#table = new IdentityTable(expected);
  }

  get size(): number {
    return this.#table.size;
  }

  get byteLength(): number {
    return this.#table.byteLength;
  }

  note(key: Uint8Array, version: Version, timestampMs: number): void {
    if (version.offset >= OFFSET_LIMIT) throw new RangeError(`Offset ${version.offset} is beyond 2^40.`);
    const timeMs = Math.min(Math.max(0, timestampMs), TIME_LIMIT - 1);
    const before = this.#table.size;
    const slot = this.#table.upsert(key);
    if (this.#table.size === before && !this.#isNewer(key, version, timeMs, slot)) return;
    this.#set(slot, version, timeMs);
  }

  /** The newest version of the key; undefined when the topic has none. */
  find(key: Uint8Array): Version | undefined {
    const slot = this.#table.find(key);
    return slot < 0 ? undefined : this.#version(slot);
  }

  isNewest(key: Uint8Array, partition: number, offset: number): boolean {
    const newest = this.find(key);
    return newest?.partition === partition && newest.offset === offset;
  }

  /** Where the copy of the newest version lies; once all versions are noted, it takes the place of their times. */
  setCopy(key: Uint8Array, offset: number): void {
    const slot = this.#table.find(key);
    if (slot >= 0) this.#set(slot, this.#version(slot), offset);
  }

  /** As set by `setCopy`. */
  copyOf(key: Uint8Array): number {
    const slot = this.#table.find(key);
    return slot < 0 ? -1 : this.#time(slot);
  }

  #isNewer(key: Uint8Array, version: Version, timeMs: number, slot: number): boolean {
    const known = this.#version(slot);
    if (known.partition === version.partition) return version.offset > known.offset;
    const { partitions, preferred } = this.#order;
    const first = preferred?.(key);
    if (first === version.partition || first === known.partition) return first === version.partition;
    const knownMs = this.#time(slot);
    if (knownMs !== timeMs) return timeMs > knownMs;
    const home = partitionOf(key, partitions);
    if (home === version.partition || home === known.partition) return home === version.partition;
    return version.partition > known.partition;
  }

  /** Words: the low 32 bits of the time, those of the offset, and 10 + 8 + 13 + 1 bits of time, offset, partition, life. */
  #set(slot: number, { partition, offset, isLive }: Version, timeMs: number): void {
    const high = Math.floor(timeMs / TWO_32) * 2 ** TIME_SHIFT + Math.floor(offset / TWO_32) * 2 ** OFFSET_SHIFT;
    this.#table.setPayload(slot, 0, timeMs % TWO_32);
    this.#table.setPayload(slot, 1, offset % TWO_32);
    this.#table.setPayload(slot, 2, high + partition * 2 ** PARTITION_SHIFT + (isLive ? LIVE : 0));
  }

  #version(slot: number): Version {
    const word = this.#table.payload(slot, 2);
    return {
      partition: (word >>> PARTITION_SHIFT) & (PARTITION_LIMIT - 1),
      offset: ((word >>> OFFSET_SHIFT) & 0xff) * TWO_32 + this.#table.payload(slot, 1),
      isLive: (word & LIVE) !== 0,
    };
  }

  #time(slot: number): number {
    return (this.#table.payload(slot, 2) >>> TIME_SHIFT) * TWO_32 + this.#table.payload(slot, 0);
  }
}
