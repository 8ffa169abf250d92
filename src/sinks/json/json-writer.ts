import { MAX_FLOAT_BYTES, writeFloat } from './float-text.ts';

const BUFFER_BYTES = 1 << 20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Of a safe integer: a sign and 16 digits. */
const MAX_INTEGER_LENGTH = 17;

const utf8 = new TextDecoder();

/** Writes JSON as bytes, in chunks of up to 1 MiB; `take` gets each chunk and must not keep it. */
export class JsonWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #at = 0;
  readonly #take: (chunk: Uint8Array) => void;

  constructor(take: (chunk: Uint8Array) => void) {
    this.#take = take;
  }

  /** Text that is JSON already. */
  raw(json: string): void {
    this.#reserve(json.length * 3);
    this.#at += this.#buffer.write(json, this.#at);
  }

  /** The UTF-8 text in [start, end) as a JSON string. */
  string(bytes: Uint8Array, start: number, end: number): void {
    if (mustBeEscaped(bytes, start, end)) {
      this.raw(JSON.stringify(utf8.decode(bytes.subarray(start, end))));
      return;
    }
    this.#reserve(end - start + 2);
    this.#buffer[this.#at++] = QUOTE;
    this.#copy(bytes, start, end);
    this.#buffer[this.#at++] = QUOTE;
  }

  /** An id that is the canonical decimal of a safe integer as a number, every other one as a string. */
  id(bytes: Uint8Array, start: number, end: number): void {
    if (!isInteger(bytes, start, end)) {
      this.string(bytes, start, end);
      return;
    }
    this.#reserve(end - start);
    this.#copy(bytes, start, end);
  }

  /** (D,) float32 as an array. */
  vector(vector: Float32Array): void {
    this.#reserve(vector.length * (MAX_FLOAT_BYTES + 1) + 2);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = 0x5b;
    for (let i = 0; i < vector.length; i++) {
      if (i > 0) buffer[at++] = 0x2c;
      at = writeFloat(vector[i] ?? 0, buffer, at);
    }
    buffer[at++] = 0x5d;
    this.#at = at;
  }

  flush(): void {
    if (this.#at > 0) this.#take(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    this.#buffer.set(bytes.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    this.flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }
}

function mustBeEscaped(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < FIRST_PRINTABLE || byte === QUOTE || byte === BACKSLASH) return true;
  }
  return false;
}

/** `0`, or a sign and digits without leading zeros, of which a double holds every one. */
function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (first === end || end - start > MAX_INTEGER_LENGTH) return false;
  for (let i = first; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < ZERO || byte > NINE) return false;
  }
  if (bytes[first] === ZERO) return !isNegative && end - first === 1;
  return Number.isSafeInteger(Number(utf8.decode(bytes.subarray(start, end))));
}
