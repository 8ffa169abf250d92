import { Bool, Float64, Int32, Int64, makeData, Utf8, type Data, type TimestampMillisecond } from 'apache-arrow';

const HEX = new Uint8Array(512);
for (let byte = 0; byte < 256; byte++) {
  const text = byte.toString(16).padStart(2, '0');
  HEX[byte * 2] = text.charCodeAt(0);
  HEX[byte * 2 + 1] = text.charCodeAt(1);
}

/** Below this, a loop is faster than a view and `set`. */
const SHORT_COPY = 40;
const encoder = new TextEncoder();

/** Values of one column of the batch being built, in Arrow's layout; its memory is used again for every batch. */
export interface Column {
  readonly length: number;
  /** Nulls up to `length` values. */
  padTo(length: number): void;
  data(): Data;
  clear(): void;
}

/** The validity bitmap of a nullable column, one bit a value, set where there is one. */
class Validity {
  readonly bits: Uint8Array;
  nullCount = 0;

  constructor(capacity: number) {
    this.bits = new Uint8Array((capacity + 7) >> 3).fill(0xff);
  }

  setNull(index: number): void {
    const at = index >> 3;
    this.bits[at] = (this.bits[at] ?? 0) & ~(1 << (index & 7));
    this.nullCount++;
  }

  clear(): void {
    if (this.nullCount > 0) this.bits.fill(0xff);
    this.nullCount = 0;
  }
}

abstract class NullableColumn {
  length = 0;
  protected readonly validity: Validity;

  constructor(capacity: number) {
    this.validity = new Validity(capacity);
  }

  padTo(length: number): void {
    while (this.length < length) {
      this.validity.setNull(this.length);
      this.putNull(this.length++);
    }
  }

  clear(): void {
    this.length = 0;
    this.validity.clear();
  }

  protected abstract putNull(index: number): void;
}

export class Utf8Column extends NullableColumn implements Column {
  #bytes = new Uint8Array(1 << 14);
  #size = 0;
  readonly #offsets: Int32Array;

  constructor(capacity: number) {
    super(capacity);
    this.#offsets = new Int32Array(capacity + 1);
  }

  /** UTF-8 in [start, end) of `source`. */
  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#reserve(length);
    if (length < SHORT_COPY) {
      const bytes = this.#bytes;
      for (let from = start, to = this.#size; from < end; from++, to++) bytes[to] = source[from] ?? 0;
    } else this.#bytes.set(source.subarray(start, end), this.#size);
    this.#close(length);
  }

  /** The lower-case hex of `length` bytes. */
  appendHex(source: Uint8Array, start: number, length: number): void {
    this.#reserve(length * 2);
    const bytes = this.#bytes;
    for (let i = 0, to = this.#size; i < length; i++, to += 2) {
      const byte = (source[start + i] ?? 0) * 2;
      bytes[to] = HEX[byte] ?? 0;
      bytes[to + 1] = HEX[byte + 1] ?? 0;
    }
    this.#close(length * 2);
  }

  appendString(text: string): void {
    const bytes = encoder.encode(text);
    this.append(bytes, 0, bytes.length);
  }

  data(): Data<Utf8> {
    return makeData({
      type: new Utf8(),
      length: this.length,
      nullCount: this.validity.nullCount,
      nullBitmap: this.validity.bits,
      valueOffsets: this.#offsets.subarray(0, this.length + 1),
      data: this.#bytes.subarray(0, this.#size),
    });
  }

  override clear(): void {
    super.clear();
    this.#size = 0;
  }

  protected override putNull(index: number): void {
    this.#offsets[index + 1] = this.#size;
  }

  #reserve(length: number): void {
    if (this.#size + length <= this.#bytes.length) return;
    const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + length));
    next.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = next;
  }

  #close(length: number): void {
    this.#size += length;
    this.#offsets[++this.length] = this.#size;
  }
}

export class Int32Column extends NullableColumn implements Column {
  readonly #values: Int32Array;

  constructor(capacity: number) {
    super(capacity);
    this.#values = new Int32Array(capacity);
  }

  append(value: number): void {
    this.#values[this.length++] = value;
  }

  data(): Data<Int32> {
    const { nullCount, bits: nullBitmap } = this.validity;
    const data = this.#values.subarray(0, this.length);
    return makeData({ type: new Int32(), length: this.length, nullCount, nullBitmap, data });
  }

  protected override putNull(index: number): void {
    this.#values[index] = 0;
  }
}

/** 64-bit integers, or milliseconds since the epoch, from their two halves. */
export class Int64Column extends NullableColumn implements Column {
  readonly #values: BigInt64Array;
  readonly #halves: Int32Array;
  readonly #type: Int64 | TimestampMillisecond;

  constructor(capacity: number, type: Int64 | TimestampMillisecond = new Int64()) {
    super(capacity);
    this.#values = new BigInt64Array(capacity);
    this.#halves = new Int32Array(this.#values.buffer);
    this.#type = type;
  }

  append(low: number, high: number): void {
    this.#halves[this.length * 2] = low;
    this.#halves[this.length * 2 + 1] = high;
    this.length++;
  }

  data(): Data {
    const { nullCount, bits: nullBitmap } = this.validity;
    const parts = { length: this.length, nullCount, nullBitmap, data: this.#values.subarray(0, this.length) };
    return this.#type instanceof Int64
      ? makeData({ type: this.#type, ...parts })
      : makeData({ type: this.#type, ...parts });
  }

  protected override putNull(index: number): void {
    this.#values[index] = 0n;
  }
}

export class Float64Column extends NullableColumn implements Column {
  readonly #values: Float64Array;
  readonly #bytes: Uint8Array;

  constructor(capacity: number) {
    super(capacity);
    this.#values = new Float64Array(capacity);
    this.#bytes = new Uint8Array(this.#values.buffer);
  }

  append(value: number): void {
    this.#values[this.length++] = value;
  }

  /** Eight bytes, little-endian. */
  appendBytes(source: Uint8Array, start: number): void {
    const to = this.length * 8;
    for (let i = 0; i < 8; i++) this.#bytes[to + i] = source[start + i] ?? 0;
    this.length++;
  }

  data(): Data<Float64> {
    const { nullCount, bits: nullBitmap } = this.validity;
    const data = this.#values.subarray(0, this.length);
    return makeData({ type: new Float64(), length: this.length, nullCount, nullBitmap, data });
  }

  protected override putNull(index: number): void {
    this.#values[index] = 0;
  }
}

export class BoolColumn extends NullableColumn implements Column {
  readonly #bits: Uint8Array;

  constructor(capacity: number) {
    super(capacity);
    this.#bits = new Uint8Array((capacity + 7) >> 3);
  }

  append(value: boolean): void {
    const at = this.length >> 3;
    const mask = 1 << (this.length & 7);
    this.#bits[at] = value ? (this.#bits[at] ?? 0) | mask : (this.#bits[at] ?? 0) & ~mask;
    this.length++;
  }

  data(): Data<Bool> {
    const { nullCount, bits: nullBitmap } = this.validity;
    return makeData({ type: new Bool(), length: this.length, nullCount, nullBitmap, data: this.#bits });
  }

  protected override putNull(index: number): void {
    const at = index >> 3;
    this.#bits[at] = (this.#bits[at] ?? 0) & ~(1 << (index & 7));
  }
}
