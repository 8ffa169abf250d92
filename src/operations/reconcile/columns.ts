/**
 * What topics and shards say of each id, in arrays by the id's number in an `IdentityIndex`. A number beyond an array's
 * end was never set. Nothing here is an object an id: ten million of them fit. Each is made with the number of ids that
 * is expected, and grows beyond it.
 */

type Values = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const GROWTH = 1.25;
const LIVE = 1;
const KNOWN = 2;

/** The same values with room for `length` of them. */
function withRoom<V extends Values>(values: V, length: number): V {
  if (length <= values.length) return values;
  const make = values.constructor as new (length: number) => V;
  const grown = new make(Math.ceil(length * GROWTH));
  grown.set(values);
  return grown;
}

/** 64 bits of a content hash and a state, 12 bytes an id; the state 0 means that there is nothing. */
export class IdentityColumns {
  #hashes: Uint32Array<ArrayBuffer>;
  #states: Uint32Array<ArrayBuffer>;

  constructor(expected: number) {
    this.#hashes = new Uint32Array(2 * expected);
    this.#states = new Uint32Array(expected);
  }

  /** The hash begins at byte `at` of `bytes`. */
  set(index: number, bytes: Uint8Array, at: number, state: number): void {
    this.#hashes = withRoom(this.#hashes, 2 * index + 2);
    this.#states = withRoom(this.#states, index + 1);
    this.#hashes[2 * index] = word(bytes, at);
    this.#hashes[2 * index + 1] = word(bytes, at + 4);
    this.#states[index] = state;
  }

  clear(index: number): void {
    if (index < this.#states.length) this.#states[index] = 0;
  }

  state(index: number): number {
    return this.#states[index] ?? 0;
  }

  hasHashOf(index: number, other: IdentityColumns): boolean {
    const at = 2 * index;
    return this.#hashes[at] === other.#hashes[at] && this.#hashes[at + 1] === other.#hashes[at + 1];
  }
}

/** Where the latest version of each id stands, and whether it is alive: 11 bytes an id, for up to 65,536 partitions. */
export class VersionColumns {
  #offsets: Float64Array<ArrayBuffer>;
  #partitions: Uint16Array<ArrayBuffer>;
  #flags: Uint8Array<ArrayBuffer>;

  constructor(expected: number) {
    this.#offsets = new Float64Array(expected);
    this.#partitions = new Uint16Array(expected);
    this.#flags = new Uint8Array(expected);
  }

  /** Versions that come in order: partition after partition, and by offset within. */
  set(index: number, partition: number, offset: number, isLive: boolean): void {
    this.#offsets = withRoom(this.#offsets, index + 1);
    this.#partitions = withRoom(this.#partitions, index + 1);
    this.#flags = withRoom(this.#flags, index + 1);
    this.#offsets[index] = offset;
    this.#partitions[index] = partition;
    this.#flags[index] = isLive ? KNOWN | LIVE : KNOWN;
  }

  /** The same for versions that come in any order; false when the latest one known is this very version. */
  setNewer(index: number, partition: number, offset: number, isLive: boolean): boolean {
    if (((this.#flags[index] ?? 0) & KNOWN) === 0) {
      this.set(index, partition, offset, isLive);
      return true;
    }
    const ahead = partition - (this.#partitions[index] ?? 0) || offset - (this.#offsets[index] ?? 0);
    if (ahead > 0) this.set(index, partition, offset, isLive);
    return ahead !== 0;
  }

  /** Of the latest version; undefined when none is known. */
  place(index: number): { readonly partition: number; readonly offset: number } | undefined {
    if (((this.#flags[index] ?? 0) & KNOWN) === 0) return undefined;
    return { partition: this.#partitions[index] ?? 0, offset: this.#offsets[index] ?? 0 };
  }

  isLive(index: number): boolean {
    return ((this.#flags[index] ?? 0) & LIVE) !== 0;
  }

  hasVersionOf(index: number, other: VersionColumns): boolean {
    return this.#offsets[index] === other.#offsets[index] && this.#partitions[index] === other.#partitions[index];
  }
}

/** A time each, in milliseconds since the epoch; NaN where there is none. */
export class TimeColumn {
  #times: Float64Array<ArrayBuffer>;

  constructor(expected: number) {
    this.#times = new Float64Array(expected).fill(NaN);
  }

  set(index: number, timeMs: number): void {
    const { length } = this.#times;
    this.#times = withRoom(this.#times, index + 1);
    if (this.#times.length > length) this.#times.fill(NaN, length);
    this.#times[index] = timeMs;
  }

  get(index: number): number {
    return this.#times[index] ?? NaN;
  }
}

/** One bit of what is known, in a byte an id. */
export class FlagColumn {
  #flags: Uint8Array<ArrayBuffer>;

  constructor(expected: number) {
    this.#flags = new Uint8Array(expected);
  }

  set(index: number, flag: boolean): void {
    this.#flags = withRoom(this.#flags, index + 1);
    this.#flags[index] = flag ? 1 : 0;
  }

  has(index: number): boolean {
    return this.#flags[index] === 1;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
