/** Wire types of Thrift's compact protocol. */
export const ThriftType = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

const MORE = 0x80;
const MAX_SHORT_LIST = 14;
const MAX_SHORT_DELTA = 15;
const utf8 = new TextEncoder();

/**
 * Writes Thrift's compact protocol, in which Parquet keeps its page headers and its footer
 * (thrift-compact-protocol.md of Apache Thrift). Numbers are safe integers.
 */
export class ThriftWriter {
  #bytes = new Uint8Array(256);
  #size = 0;
  #lastField = 0;
  readonly #outerFields: number[] = [];

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  i32(field: number, value: number): this {
    this.#field(field, ThriftType.i32);
    return this.#zigzag(value);
  }

  i64(field: number, value: number): this {
    this.#field(field, ThriftType.i64);
    return this.#zigzag(value);
  }

  bool(field: number, value: boolean): this {
    return this.#field(field, value ? ThriftType.true : ThriftType.false);
  }

  string(field: number, text: string): this {
    return this.binary(field, utf8.encode(text));
  }

  binary(field: number, bytes: Uint8Array): this {
    this.#field(field, ThriftType.binary);
    return this.#sized(bytes);
  }

  struct(field: number, body: (writer: this) => void): this {
    this.#field(field, ThriftType.struct);
    return this.#structBody(body);
  }

  structs<Item>(field: number, items: readonly Item[], body: (writer: this, item: Item) => void): this {
    this.#listHead(field, items.length, ThriftType.struct);
    for (const item of items) {
      this.#structBody((writer) => {
        body(writer, item);
      });
    }
    return this;
  }

  i32s(field: number, values: readonly number[]): this {
    this.#listHead(field, values.length, ThriftType.i32);
    for (const value of values) this.#zigzag(value);
    return this;
  }

  strings(field: number, values: readonly string[]): this {
    this.#listHead(field, values.length, ThriftType.binary);
    for (const value of values) this.#sized(utf8.encode(value));
    return this;
  }

  /** Closes the outermost struct. */
  end(): this {
    return this.#byte(0);
  }

  #structBody(body: (writer: this) => void): this {
    this.#outerFields.push(this.#lastField);
    this.#lastField = 0;
    body(this);
    this.#byte(0);
    this.#lastField = this.#outerFields.pop() ?? 0;
    return this;
  }

  #field(id: number, type: number): this {
    const delta = id - this.#lastField;
    this.#lastField = id;
    if (delta > 0 && delta <= MAX_SHORT_DELTA) return this.#byte((delta << 4) | type);
    return this.#byte(type).#zigzag(id);
  }

  #listHead(field: number, length: number, type: number): void {
    this.#field(field, ThriftType.list);
    if (length <= MAX_SHORT_LIST) this.#byte((length << 4) | type);
    else this.#byte(0xf0 | type).#varint(length);
  }

  #sized(bytes: Uint8Array): this {
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
    return this;
  }

  #zigzag(value: number): this {
    return this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** In arithmetic, since bit operations end at 32 bits. */
  #varint(value: number): this {
    for (; value >= MORE; value = Math.floor(value / MORE)) this.#byte((value % MORE) | MORE);
    return this.#byte(value);
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#size++] = value;
    return this;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + more));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}
