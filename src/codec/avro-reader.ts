import { poisonError } from '../errors.ts';
import type { MetadataValue } from '../record/types.ts';

function corrupt(what: string, at: number): never {
  throw poisonError('CODEC_CORRUPT', `The value is not valid Avro: ${what} at byte ${at}.`);
}

/** Avro binary decoding over one value; every length is checked against the bytes that are there. */
export class AvroReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }

  readBoolean(): boolean {
    const byte = this.#bytes[this.at++];
    if (byte !== 0 && byte !== 1) corrupt('no boolean', this.at - 1);
    return byte === 1;
  }

  /** int or long; beyond 2^53 use `readBigLong`. */
  readLong(): number {
    const start = this.at;
    let byte = this.#bytes[this.at++] ?? corrupt('a number is cut', start);
    if (byte < 0x80) return byte & 1 ? -((byte + 1) >>> 1) : byte >>> 1;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.#bytes[this.at++] ?? corrupt('a number is cut', start);
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80 && scale < 2 ** 56);
    if (byte >= 0x80 || value > Number.MAX_SAFE_INTEGER) corrupt('a number is too large', start);
    return value % 2 === 1 ? -((value + 1) / 2) : value / 2;
  }

  readBigLong(): number | bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at++] ?? corrupt('a number is cut', start);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const long = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
      return long >= BigInt(Number.MIN_SAFE_INTEGER) && long <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(long) : long;
    }
    return corrupt('a number is too large', start);
  }

  readDouble(): number {
    this.#need(8);
    this.at += 8;
    return this.#bytes.readDoubleLE(this.at - 8);
  }

  readFixed(bytes: number): Buffer {
    this.#need(bytes);
    this.at += bytes;
    return this.#bytes.subarray(this.at - bytes, this.at);
  }

  readBytes(): Buffer {
    return this.readFixed(this.#readSize());
  }

  readString(): string {
    const size = this.#readSize();
    this.#need(size);
    this.at += size;
    return this.#bytes.toString('utf8', this.at - size, this.at);
  }

  /** Index into a union of `branches`. */
  readBranch(branches: number): number {
    const branch = this.readLong();
    if (branch < 0 || branch >= branches) corrupt('no such branch of a union', this.at - 1);
    return branch;
  }

  readOptionalString(): string | undefined {
    return this.readBranch(2) === 0 ? undefined : this.readString();
  }

  /** array<float>, in one memory copy a block. */
  readFloats(): Float32Array {
    let floats = new Float32Array(0);
    for (let count = this.#readBlockCount(); count > 0; count = this.#readBlockCount()) {
      this.#need(count * 4);
      const grown = new Float32Array(floats.length + count);
      grown.set(floats);
      new Uint8Array(grown.buffer).set(this.readFixed(count * 4), floats.byteLength);
      floats = grown;
    }
    return floats;
  }

  readMetadata(): Map<string, MetadataValue> {
    const metadata = new Map<string, MetadataValue>();
    for (let count = this.#readBlockCount(); count > 0; count = this.#readBlockCount()) {
      for (let i = 0; i < count; i++) {
        const key = this.readString();
        metadata.set(key, this.#readMetadataValue());
      }
    }
    return metadata;
  }

  skipMetadata(): void {
    for (let count = this.#readBlockCount(); count > 0; count = this.#readBlockCount()) {
      for (let i = 0; i < count; i++) {
        this.#skip(this.#readSize());
        this.#skipMetadataValue();
      }
    }
  }

  skipString(): void {
    this.#skip(this.#readSize());
  }

  readArray<Item>(read: () => Item): Item[] {
    const items: Item[] = [];
    for (let count = this.#readBlockCount(); count > 0; count = this.#readBlockCount())
      for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #readMetadataValue(): MetadataValue {
    switch (this.readBranch(5)) {
      case 0:
        return null;
      case 1:
        return this.readBoolean();
      case 2:
        return this.readBigLong();
      case 3:
        return this.readDouble();
      default:
        return this.readString();
    }
  }

  #skipMetadataValue(): void {
    switch (this.readBranch(5)) {
      case 0:
        return;
      case 1:
        this.#skip(1);
        return;
      case 2:
        while ((this.#bytes[this.at++] ?? 0) >= 0x80);
        return;
      case 3:
        this.#skip(8);
        return;
      default:
        this.skipString();
    }
  }

  /** A block's count; a negative one is followed by the block's size in bytes. */
  #readBlockCount(): number {
    const count = this.readLong();
    if (count >= 0) return count;
    this.readLong();
    return -count;
  }

  #readSize(): number {
    const size = this.readLong();
    if (size < 0) corrupt('a negative size', this.at);
    return size;
  }

  #skip(bytes: number): void {
    this.#need(bytes);
    this.at += bytes;
  }

  #need(bytes: number): void {
    if (this.at + bytes > this.#bytes.length) corrupt(`${bytes} bytes are missing`, this.at);
  }
}
