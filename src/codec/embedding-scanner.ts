import { poisonError } from '../errors.ts';

/** Bytes before the Avro body: the magic byte and the schema id, big-endian. */
export const WIRE_HEADER_BYTES = 5;

/** Branch of the metadata union, as its index on the wire. */
export const METADATA_NULL = 0;
export const METADATA_BOOLEAN = 1;
export const METADATA_LONG = 2;
export const METADATA_DOUBLE = 3;
export const METADATA_STRING = 4;

const TWO_32 = 0x1_0000_0000;
const HASH_BYTES = 32;
const FLOAT_BYTES = 4;
const MAX_VARINT_BYTES = 10;

/**
 * Walks one Embedding (schemas/Embedding.avsc, version 1) on the wire without making an object or a string: after
 * `scan` the fields tell where each part lies in `bytes`. One scanner is used again for every value.
 *
 * The encoding is the Avro 1.12 binary encoding: numbers are zig-zag varints, maps and arrays are blocks (a count,
 * negative when a byte size follows) closed by a count of 0, floats are little-endian.
 */
export class EmbeddingScanner {
  bytes: Uint8Array = new Uint8Array(0);
  idStart = 0;
  idEnd = 0;
  /** 32 bytes. */
  fingerprintStart = 0;
  dimension = 0;
  /** 32 bytes. */
  contentHashStart = 0;
  tokenCount = 0;
  truncated = 0;
  /** Milliseconds since the epoch, as the two halves of an int64. */
  createdAtLow = 0;
  createdAtHigh = 0;
  /** -1: null. */
  textStart = -1;
  textEnd = -1;
  /** Its block of the wire. */
  metadataStart = 0;
  metadataEnd = 0;
  metadataCount = 0;
  keyStarts = new Int32Array(64);
  keyEnds = new Int32Array(64);
  kinds = new Uint8Array(64);
  valueStarts = new Int32Array(64);
  valueEnds = new Int32Array(64);
  /** The halves of the last number that `readLong` read, as an int64. */
  low = 0;
  high = 0;
  #at = 0;
  #vectorAt = 0;
  #sizedStart = 0;
  #end = 0;

  /** Scans the framed value in [start, end). Errors: CODEC_CORRUPT (poison). */
  scan(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.#at = start + WIRE_HEADER_BYTES;
    this.#end = end;
    this.idEnd = this.#skipSized();
    this.idStart = this.#sizedStart;
    this.#skipSized();
    this.fingerprintStart = this.#skip(HASH_BYTES);
    this.dimension = this.#readSafe();
    this.contentHashStart = this.#skip(HASH_BYTES);
    this.tokenCount = this.#readSafe();
    this.truncated = this.#byte();
    this.readLong();
    this.createdAtLow = this.low;
    this.createdAtHigh = this.high;
    this.#scanText();
    this.#scanMetadata();
    this.#scanVector();
    if (this.#at !== end) this.#corrupt('bytes are left over');
  }

  /** Copies the scanned value's vector, (dimension,) little-endian floats, to byte `to` of `target`. */
  copyVector(target: Uint8Array, to: number): void {
    this.#at = this.#vectorAt;
    for (let count = this.#blockCount(); count > 0; count = this.#blockCount()) {
      const start = this.#skip(count * FLOAT_BYTES);
      target.set(this.bytes.subarray(start, this.#at), to);
      to += count * FLOAT_BYTES;
    }
  }

  /** Reads the int64 at `at` into `low` and `high`. */
  readLongAt(at: number): void {
    this.#at = at;
    this.readLong();
  }

  #corrupt(what: string): never {
    throw poisonError('CODEC_CORRUPT', `The value is not a valid Embedding: ${what} at byte ${this.#at}.`);
  }

  #byte(): number {
    if (this.#at >= this.#end) this.#corrupt('it is cut');
    return this.bytes[this.#at++] ?? 0;
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#end) this.#corrupt('a length goes past the end');
    this.#at = start + length;
    return start;
  }

  /** Answers with the end of a string or bytes; its start is in `#sizedStart`. */
  #skipSized(): number {
    const length = this.#readSafe();
    this.#sizedStart = this.#skip(length);
    return this.#at;
  }

  readLong(): void {
    let low = 0;
    let high = 0;
    let shift = 0;
    for (let i = 0; ; i++) {
      if (i === MAX_VARINT_BYTES) this.#corrupt('a number is too long');
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
      shift += 7;
    }
    const sign = -(low & 1);
    this.low = ((low >>> 1) | (high << 31)) ^ sign;
    this.high = (high >>> 1) ^ sign;
  }

  #readSafe(): number {
    const first = this.#at < this.#end ? (this.bytes[this.#at] ?? 0) : 0x80;
    if (first < 0x80) {
      this.#at++;
      return (first >>> 1) ^ -(first & 1);
    }
    this.readLong();
    const value = this.high * TWO_32 + (this.low >>> 0);
    if (!Number.isSafeInteger(value)) this.#corrupt('a number is too large');
    return value;
  }

  #scanText(): void {
    const branch = this.#byte();
    if (branch === 0) {
      this.textStart = this.textEnd = -1;
      return;
    }
    if (branch !== 2) this.#corrupt('no such branch of the text');
    this.textEnd = this.#skipSized();
    this.textStart = this.#sizedStart;
  }

  /** The count of the next block; skips the byte size that a negative count announces. */
  #blockCount(): number {
    const count = this.#readSafe();
    if (count >= 0) return count;
    this.#readSafe();
    return -count;
  }

  /** Scans a metadata block alone, as it was in [metadataStart, metadataEnd) of a value. */
  scanMetadata(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
    this.#scanMetadata();
  }

  #scanMetadata(): void {
    this.metadataStart = this.#at;
    let n = 0;
    for (let count = this.#blockCount(); count > 0; count = this.#blockCount()) {
      for (let i = 0; i < count; i++) {
        if (n === this.keyStarts.length) this.#growEntries();
        this.keyEnds[n] = this.#skipSized();
        this.keyStarts[n] = this.#sizedStart;
        this.#scanMetadataValue(n);
        n++;
      }
    }
    this.metadataCount = n;
    this.metadataEnd = this.#at;
  }

  #scanMetadataValue(n: number): void {
    const kind = this.#readSafe();
    this.kinds[n] = kind;
    let start = this.#at;
    if (kind === METADATA_STRING) {
      this.#skipSized();
      start = this.#sizedStart;
    } else if (kind === METADATA_LONG) this.readLong();
    else if (kind === METADATA_DOUBLE) this.#skip(8);
    else if (kind === METADATA_BOOLEAN) this.#skip(1);
    else if (kind !== METADATA_NULL) this.#corrupt('no such branch of a metadata value');
    this.valueStarts[n] = start;
    this.valueEnds[n] = this.#at;
  }

  #scanVector(): void {
    let length = 0;
    this.#vectorAt = this.#at;
    for (let count = this.#blockCount(); count > 0; count = this.#blockCount()) {
      this.#skip(count * FLOAT_BYTES);
      length += count;
    }
    if (length !== this.dimension) this.#corrupt(`${length} numbers in a vector of ${this.dimension} dimensions`);
  }

  #growEntries(): void {
    const grow = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const next = new Int32Array(old.length * 2);
      next.set(old);
      return next;
    };
    this.keyStarts = grow(this.keyStarts);
    this.keyEnds = grow(this.keyEnds);
    this.valueStarts = grow(this.valueStarts);
    this.valueEnds = grow(this.valueEnds);
    const kinds = new Uint8Array(this.kinds.length * 2);
    kinds.set(this.kinds);
    this.kinds = kinds;
  }
}
