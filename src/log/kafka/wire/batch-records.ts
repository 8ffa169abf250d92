import type { Headers, LogRecord } from '../../port.ts';

/** Where a batch stands, from its header. */
export interface BatchFrame {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestampMs: number;
  /** The timestamp of every record, where the broker stamped the whole batch. */
  readonly appendTimeMs: number | undefined;
  /** Records in it. */
  readonly count: number;
}

const NO_HEADERS: Headers = Object.freeze({});
/** More than a 64-bit number ever takes. */
const MAX_VARINT_BYTES = 10;

/** The records of one batch, uncompressed, decoded one after the other. Keys and values are views into `bytes`. */
export class BatchRecords {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #frame: BatchFrame;
  readonly #fail: (what: string) => Error;
  #left: number;
  /** Of the record before. */
  #offset = -1;
  /** Where the next record begins. */
  #start = 0;
  #at = 0;

  /** @param fail makes the error that `next` throws where the bytes are no records */
  constructor(bytes: Uint8Array<ArrayBuffer>, frame: BatchFrame, fail: (what: string) => Error) {
    this.#bytes = bytes;
    this.#frame = frame;
    this.#fail = fail;
    this.#left = frame.count;
  }

  next(): LogRecord | undefined {
    const bytes = this.#bytes;
    if (this.#left === 0) {
      if (this.#start !== bytes.length) throw this.#fail('bytes follow its last record');
      return undefined;
    }
    this.#at = this.#start;
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > bytes.length) throw this.#fail('a record is longer than its batch');
    this.#at++;
    const timestampDelta = this.#varint();
    const { baseOffset, lastOffset, baseTimestampMs, appendTimeMs } = this.#frame;
    const offset = baseOffset + this.#varint();
    if (offset <= this.#offset || offset < baseOffset || offset > lastOffset)
      throw this.#fail(`a record has offset ${offset}`);
    const key = this.#bytesField(end);
    const value = this.#bytesField(end);
    const headerCount = this.#varint();
    const headers = headerCount === 0 ? NO_HEADERS : this.#headers(headerCount, end);
    if (this.#at !== end) throw this.#fail('a record is not as long as it says');
    this.#start = end;
    this.#offset = offset;
    this.#left--;
    return { offset, timestampMs: appendTimeMs ?? baseTimestampMs + timestampDelta, key, value, headers };
  }

  /** The last of equal names wins; a null value is an empty one. */
  #headers(count: number, end: number): Headers {
    if (count < 0 || count > end - this.#at) throw this.#fail('a record has an impossible number of headers');
    const entries: [string, Uint8Array][] = [];
    for (let i = 0; i < count; i++) {
      const name = this.#bytesField(end);
      if (name === null) throw this.#fail('a header has no name');
      const text = Buffer.from(name.buffer, name.byteOffset, name.length).toString('utf8');
      entries.push([text, this.#bytesField(end) ?? new Uint8Array(0)]);
    }
    // Unlike an assignment, this makes a field of a header that is called "__proto__".
    return Object.fromEntries(entries);
  }

  #bytesField(end: number): Uint8Array<ArrayBuffer> | null {
    const length = this.#varint();
    if (length < 0) return null;
    const start = this.#at;
    if (start + length > end) throw this.#fail('a field is longer than its record');
    this.#at = start + length;
    const bytes = this.#bytes;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
  }

  /** A zig-zag varint of any size; exact for safe integers. */
  #varint(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#at++] ?? 0;
    const sign = first & 1;
    let number = (first & 0x7f) >>> 1;
    if (first > 0x7f) {
      let scale = 64;
      for (let read = 1; ; read++) {
        const byte = bytes[this.#at++];
        if (byte === undefined || read === MAX_VARINT_BYTES) throw this.#fail('a number in it does not end');
        number += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 128;
      }
    }
    return sign === 0 ? number : -number - 1;
  }
}
