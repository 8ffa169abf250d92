import { poisonError } from '../errors.ts';
import type { Metadata, MetadataValue } from '../record/types.ts';

const SLAB_BYTES = 1 << 20;
const ASCII_LOOP_CHARS = 24;
const NULL = 0;
const BOOLEAN = 1;
const LONG = 2;
const DOUBLE = 3;
const STRING = 4;

/**
 * Avro binary encoding (spec 1.12, "Binary Encoding") into slabs: a value is a view into its slab, copied once, when
 * the log packs it. One value at a time: `begin`, writes, `finish`.
 */
export class AvroWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #at = 0;

  begin(schemaId: number): void {
    this.#start = this.#at;
    this.ensure(5);
    this.#slab[this.#at] = 0;
    this.#slab.writeUInt32BE(schemaId, this.#at + 1);
    this.#at += 5;
  }

  finish(): Buffer {
    const value = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return value;
  }

  /** Room for `bytes` more of this value; moves the value to a new slab when this one is full. */
  ensure(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return;
    const used = this.#at - this.#start;
    const next = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (used + bytes) * 2));
    this.#slab.copy(next, 0, this.#start, this.#at);
    this.#slab = next;
    this.#start = 0;
    this.#at = used;
  }

  writeBoolean(value: boolean): void {
    this.ensure(1);
    this.#slab[this.#at++] = value ? 1 : 0;
  }

  /** int and long: zig-zag, then 7 bits a byte. */
  writeLong(value: number | bigint): void {
    this.ensure(10);
    if (typeof value === 'bigint' || value > 0x7_ffff_ffff_ffff || value < -0x7_ffff_ffff_ffff) {
      this.#writeBigLong(BigInt(value));
      return;
    }
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      this.#slab[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#slab[this.#at++] = rest;
  }

  writeDouble(value: number): void {
    this.ensure(8);
    this.#at = this.#slab.writeDoubleLE(value, this.#at);
  }

  /** Bytes as they are, with no length. */
  writeRaw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeLong(bytes.length);
    this.writeRaw(bytes);
  }

  writeString(text: string): void {
    const length = text.length;
    if (length <= ASCII_LOOP_CHARS) {
      this.ensure(1 + length);
      const slab = this.#slab;
      const at = this.#at + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) break;
        slab[at + i] = code;
      }
      if (i === length) {
        slab[this.#at] = length * 2;
        this.#at = at + length;
        return;
      }
    }
    const bytes = Buffer.byteLength(text);
    this.writeLong(bytes);
    this.ensure(bytes);
    this.#at += this.#slab.write(text, this.#at, 'utf8');
  }

  /** array<float> as one block: count, then contiguous little-endian floats (one memory copy), then 0. */
  writeFloats(vector: Float32Array): void {
    if (vector.length > 0) {
      this.writeLong(vector.length);
      this.writeRaw(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    }
    this.writeLong(0);
  }

  writeMetadata(metadata: Metadata): void {
    if (metadata.size > 0) {
      this.writeLong(metadata.size);
      for (const [key, value] of metadata) {
        this.writeString(key);
        this.#writeMetadataValue(key, value);
      }
    }
    this.writeLong(0);
  }

  #writeMetadataValue(key: string, value: MetadataValue): void {
    if (value === null) {
      this.writeLong(NULL);
    } else if (typeof value === 'string') {
      this.writeLong(STRING);
      this.writeString(value);
    } else if (typeof value === 'boolean') {
      this.writeLong(BOOLEAN);
      this.writeBoolean(value);
    } else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value)
        throw poisonError(
          'CODEC_METADATA_RANGE',
          `Metadata "${key}" is ${value.toString()}: whole numbers have at most 64 bits.`,
        );
      this.writeLong(LONG);
      this.writeLong(value);
    } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.writeLong(LONG);
      this.writeLong(value);
    } else {
      this.writeLong(DOUBLE);
      this.writeDouble(value);
    }
  }

  #writeBigLong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest >= 0x80n) {
      this.#slab[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#slab[this.#at++] = Number(rest);
  }
}
