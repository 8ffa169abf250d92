/**
 * Finds the rows of one huge JSON document without ever holding it: `[row, …]`, or `{…, "embeddings": [row, …], …}`,
 * where each row is an object. Everything else at the top level is the document's head. Bytes in, events out.
 */

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
/** Members of the document that hold its rows. */
const ROW_MEMBERS = new Set(['embeddings', 'vectors', 'data', 'points', 'records']);
/** Most of a value of the head that is kept. */
const MAX_HEAD_BYTES = 64 * 1024;

export type JsonEvent =
  | { readonly event: 'row'; readonly bytes: Buffer; readonly isTooLong: boolean }
  /** The rows begin; the head is known as far as it stood before them. */
  | { readonly event: 'rows'; readonly member: string }
  /** No JSON of this form from here on; nothing follows. */
  | { readonly event: 'broken'; readonly what: string; readonly bytes: Buffer };

type State = 'start' | 'key' | 'colon' | 'value' | 'after' | 'rows' | 'row' | 'end' | 'broken';

export class JsonScanner {
  /** Values of the head by name; what is large or no JSON is undefined. */
  readonly head = new Map<string, unknown>();
  #state: State = 'start';
  /** The value that is being read: its bytes so far, and how deep it is open. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key = '';
  #isArray = false;
  readonly #maxRowBytes: number;

  constructor(maxRowBytes: number) {
    this.#maxRowBytes = maxRowBytes;
  }

  /** True when the document is closed as it should be. */
  get isComplete(): boolean {
    return this.#state === 'end';
  }

  /** What was begun and not ended. */
  get rest(): Buffer {
    return Buffer.concat(this.#held);
  }

  *push(chunk: Buffer): Generator<JsonEvent> {
    let i = 0;
    while (i < chunk.length && this.#state !== 'broken') {
      if (this.#state === 'row' || this.#state === 'value' || this.#state === 'key') {
        const end = this.#endOfValue(chunk, i);
        this.#hold(chunk.subarray(i, end));
        i = end;
        if (this.#depth === 0 && !this.#inString && this.#isEnded(chunk, i)) yield* this.#completed();
        continue;
      }
      const byte = chunk[i] ?? 0;
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || (this.#state === 'start' && byte >= 0xbb)) {
        i++;
        continue;
      }
      yield* this.#structure(byte, chunk, i);
      // What begins a value is read with it.
      if (!this.#isValueState()) i++;
    }
  }

  #isValueState(): boolean {
    return this.#state === 'row' || this.#state === 'value' || this.#state === 'key';
  }

  /** A byte between values. */
  *#structure(byte: number, chunk: Buffer, i: number): Generator<JsonEvent> {
    switch (this.#state) {
      case 'start':
        this.#isArray = byte === OPEN_ARRAY;
        if (this.#isArray) yield* this.#beginRows('');
        else if (byte === OPEN_OBJECT) this.#state = 'after';
        else yield this.#broken('it begins with neither { nor [', chunk.subarray(i));
        return;
      case 'after':
        if (byte === QUOTE) this.#state = 'key';
        else if (byte === CLOSE_OBJECT) this.#state = 'end';
        else if (byte !== COMMA) yield this.#broken('a member of the document is no JSON', chunk.subarray(i));
        return;
      case 'colon':
        if (byte === COLON) return;
        if (byte === OPEN_ARRAY && ROW_MEMBERS.has(this.#key)) yield* this.#beginRows(this.#key);
        else this.#state = 'value';
        return;
      case 'rows':
        if (byte === OPEN_OBJECT) this.#state = 'row';
        else if (byte === CLOSE_ARRAY) this.#state = this.#isArray ? 'end' : 'after';
        else if (byte !== COMMA) yield this.#broken('a row is no JSON object', chunk.subarray(i));
        return;
      case 'end':
        yield this.#broken('something follows after its end', chunk.subarray(i));
        return;
      case 'broken':
      case 'key':
      case 'value':
      case 'row':
        return;
    }
  }

  *#beginRows(member: string): Generator<JsonEvent> {
    this.#state = 'rows';
    yield { event: 'rows', member };
  }

  #broken(what: string, bytes: Buffer): JsonEvent {
    this.#state = 'broken';
    return { event: 'broken', what, bytes };
  }

  /** Goes on through the value that is open; where it ends, or the chunk. */
  #endOfValue(chunk: Buffer, from: number): number {
    let i = from;
    for (; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 0) return i + 1;
        }
        continue;
      }
      // Digits, signs and points: most of a row.
      if (byte > COMMA && byte < OPEN_ARRAY) continue;
      if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        // The bracket of what is around a bare number.
        if (this.#depth === 0) return i;
        if (--this.#depth === 0) return i + 1;
      } else if (byte === COMMA && this.#depth === 0) return i;
    }
    return i;
  }

  /** A bare value (a number, true) goes on until something ends it, which may be in the next chunk. */
  #isEnded(chunk: Buffer, i: number): boolean {
    const first = this.#held.find((part) => part.length > 0)?.[0];
    const isBare = first !== QUOTE && first !== OPEN_OBJECT && first !== OPEN_ARRAY;
    return !isBare || i < chunk.length;
  }

  #hold(part: Buffer): void {
    const limit = this.#state === 'row' ? this.#maxRowBytes : MAX_HEAD_BYTES;
    // A copy of the beginning at least; what is beyond the limit is only counted.
    if (this.#heldBytes <= limit) this.#held.push(part);
    this.#heldBytes += part.length;
  }

  *#completed(): Generator<JsonEvent> {
    const isRow = this.#state === 'row';
    const limit = isRow ? this.#maxRowBytes : MAX_HEAD_BYTES;
    const isTooLong = this.#heldBytes > limit;
    const bytes = this.#held.length === 1 ? (this.#held[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    if (isRow) {
      this.#state = 'rows';
      yield { event: 'row', bytes, isTooLong };
      return;
    }
    const value = isTooLong ? undefined : parsed(bytes);
    if (this.#state === 'key') {
      if (typeof value === 'string') this.#key = value;
      this.#state = 'colon';
      if (typeof value !== 'string') yield this.#broken('the name of a member is no JSON text', bytes);
      return;
    }
    this.head.set(this.#key, value);
    this.#state = 'after';
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
