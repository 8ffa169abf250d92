import { ByteBounds, FlatColumn } from './flat-column.ts';
import type { Statistics } from './format.ts';

const HEX = new Uint8Array(512);
for (let byte = 0; byte < 256; byte++) {
  const text = byte.toString(16).padStart(2, '0');
  HEX[byte * 2] = text.charCodeAt(0);
  HEX[byte * 2 + 1] = text.charCodeAt(1);
}

/** Below this, a loop is faster than a view and `set`. */
const SHORT_COPY = 40;
const LENGTH_BYTES = 4;
const TWO_32 = 0x1_0000_0000;
const encoder = new TextEncoder();

type Bounds = Pick<Statistics, 'min' | 'max'>;

export class Utf8Column extends FlatColumn {
  readonly #bounds = new ByteBounds();

  /** UTF-8 in [start, end) of `source`. */
  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let to = this.#open(length);
    const { bytes } = this;
    if (length < SHORT_COPY) for (let from = start; from < end; from++, to++) bytes[to] = source[from] ?? 0;
    else bytes.set(source.subarray(start, end), to);
    if (this.options.bounds === true) this.#bounds.add(source, start, end);
    this.added();
  }

  /** The lower-case hex of `length` bytes. */
  appendHex(source: Uint8Array, start: number, length: number): void {
    let to = this.#open(length * 2);
    const { bytes } = this;
    for (let i = 0; i < length; i++, to += 2) {
      const byte = (source[start + i] ?? 0) * 2;
      bytes[to] = HEX[byte] ?? 0;
      bytes[to + 1] = HEX[byte + 1] ?? 0;
    }
    this.added();
  }

  appendString(text: string): void {
    const bytes = encoder.encode(text);
    this.append(bytes, 0, bytes.length);
  }

  protected override bounds(): Bounds {
    return this.#bounds.get();
  }

  protected override clearBounds(): void {
    this.#bounds.clear();
  }

  /** Writes the length, little-endian, and answers where the bytes go. */
  #open(length: number): number {
    this.reserve(LENGTH_BYTES + length);
    const { bytes, size } = this;
    bytes[size] = length;
    bytes[size + 1] = length >>> 8;
    bytes[size + 2] = length >>> 16;
    bytes[size + 3] = length >>> 24;
    this.size = size + LENGTH_BYTES + length;
    return size + LENGTH_BYTES;
  }
}

/** Numbers of four or eight bytes, little-endian; a bound is the value as it is compared. */
abstract class NumberColumn extends FlatColumn {
  readonly #width: number;
  #min: number | bigint | undefined;
  #max: number | bigint | undefined;
  #isBounded = true;

  constructor(width: number, options: ConstructorParameters<typeof FlatColumn>[0]) {
    super({ bounds: true, ...options });
    this.#width = width;
  }

  protected put32(value: number): void {
    const { bytes, size } = this;
    bytes[size] = value;
    bytes[size + 1] = value >>> 8;
    bytes[size + 2] = value >>> 16;
    bytes[size + 3] = value >>> 24;
    this.size = size + 4;
  }

  protected include(value: number | bigint): void {
    if (Number.isNaN(value)) this.#isBounded = false;
    if (this.#min === undefined || value < this.#min) this.#min = value;
    if (this.#max === undefined || value > this.#max) this.#max = value;
  }

  protected override bounds(): Bounds {
    const [min, max] = [this.#min, this.#max];
    if (min === undefined || max === undefined || !this.#isBounded) return {};
    return { min: this.#encode(min, -0), max: this.#encode(max, 0) };
  }

  protected override clearBounds(): void {
    this.#min = this.#max = undefined;
    this.#isBounded = true;
  }

  protected abstract encodeBound(view: DataView, value: number | bigint): void;

  /** A zero may stand for the other one, so a bound has the wider of both. */
  #encode(value: number | bigint, zero: number): Uint8Array {
    const bytes = new Uint8Array(this.#width);
    this.encodeBound(new DataView(bytes.buffer), value === 0 ? zero : value);
    return bytes;
  }
}

export class Int32Column extends NumberColumn {
  constructor() {
    super(4, {});
  }

  append(value: number): void {
    this.reserve(4);
    this.put32(value);
    this.include(value);
    this.added();
  }

  protected override encodeBound(view: DataView, value: number | bigint): void {
    view.setInt32(0, Number(value), true);
  }
}

/** From the two halves of an int64. */
export class Int64Column extends NumberColumn {
  constructor(options: { readonly nullable?: boolean } = {}) {
    super(8, options);
  }

  append(low: number, high: number): void {
    this.reserve(8);
    this.put32(low);
    this.put32(high);
    const value = high * TWO_32 + (low >>> 0);
    this.include(Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0));
    this.added();
  }

  protected override encodeBound(view: DataView, value: number | bigint): void {
    view.setBigInt64(0, BigInt(value), true);
  }
}

export class Float64Column extends NumberColumn {
  readonly #value = new Float64Array(1);
  readonly #valueBytes = new Uint8Array(this.#value.buffer);

  constructor(options: { readonly nullable?: boolean } = {}) {
    super(8, options);
  }

  append(value: number): void {
    this.#value[0] = value;
    this.appendBytes(this.#valueBytes, 0);
  }

  /** Eight bytes, little-endian. */
  appendBytes(source: Uint8Array, start: number): void {
    this.reserve(8);
    for (let i = 0; i < 8; i++) this.bytes[this.size++] = this.#valueBytes[i] = source[start + i] ?? 0;
    this.include(this.#value[0] ?? 0);
    this.added();
  }

  protected override encodeBound(view: DataView, value: number | bigint): void {
    view.setFloat64(0, Number(value), true);
  }
}

export class BoolColumn extends FlatColumn {
  /** Values of the page that are there, eight a byte. */
  #bits = 0;

  append(value: boolean): void {
    if ((this.#bits & 7) === 0) {
      this.reserve(1);
      this.bytes[this.size++] = 0;
    }
    if (value) {
      const last = this.size - 1;
      this.bytes[last] = (this.bytes[last] ?? 0) | (1 << (this.#bits & 7));
    }
    this.#bits++;
    this.added();
  }

  protected override closeValues(): void {
    this.#bits = 0;
  }

  protected override bounds(): Bounds {
    return {};
  }

  protected override clearBounds(): void {
    // Two values are bounds to nobody.
  }
}
