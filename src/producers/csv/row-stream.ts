import { isUtf8 } from 'node:buffer';
import { wholeCharacters } from './encoding.ts';
import { EMPTY_LINE, INCOMPLETE, RowScanner, STRAY_QUOTE } from './row-scanner.ts';
import type { Transcoder } from './transcoder.ts';

/** A row stands in `scanner`, its bytes are `window[from, scanner.end)`. */
export const ROW_FOUND = 0;
/** A row cut at a stray quote, in the same place. */
export const ROW_CUT = 1;
/** A row over the limit: `oversized` tells; the stream goes on behind its line. */
export const ROW_TOO_LARGE = 2;
/** Call `fill` first; nothing was consumed. */
export const NEED_BYTES = 3;
export const END = 4;
export type RowEvent = typeof ROW_FOUND | typeof ROW_CUT | typeof ROW_TOO_LARGE | typeof NEED_BYTES | typeof END;

const LF = 0x0a;
const CR = 0x0d;
/** How much of a row over the limit is kept for its fault. */
const OVERSIZED_SAMPLE_BYTES = 64 * 1024;

export interface RowStreamOptions {
  readonly delimiter: number;
  readonly transcoder: Transcoder;
  readonly maxRowBytes: number;
}

/**
 * Rows of a stream of chunks in a window of constant size: it grows to the longest row and no further than twice
 * `maxRowBytes` and a chunk. Positions are valid until the next `fill`.
 */
export class RowStream {
  readonly scanner: RowScanner;
  window: Buffer = Buffer.alloc(0);
  /** Where the present row begins. */
  from = 0;
  /** Physical line, 1-based, on which the present row begins. */
  line = 1;
  /** Every byte of the window is part of a valid UTF-8 character, but for what the window's ends cut. */
  isValid = true;
  /** After ROW_TOO_LARGE: the row's first bytes and its length in UTF-8. */
  oversized: { sample: Uint8Array; bytes: number } = { sample: new Uint8Array(0), bytes: 0 };
  /** Counts the `fill`s, so that a view into the window can tell that it is stale. */
  generation = 0;

  readonly #options: RowStreamOptions;
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #at = 0;
  #to = 0;
  #nextLine = 1;
  #final = false;
  #skipping = false;

  constructor(chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>, options: RowStreamOptions) {
    this.scanner = new RowScanner(options.delimiter);
    this.#options = options;
    this.#chunks = chunks;
  }

  /** Bytes that were filled in but not yet consumed. */
  get pending(): number {
    return this.#to - this.#at;
  }

  next(): RowEvent {
    const { scanner, window } = this;
    if (this.#skipping) return this.#skip();
    for (;;) {
      if (this.#at === this.#to) return this.#final ? END : NEED_BYTES;
      // The scan ends at the limit even if more is there, so that the outcome does not depend on how chunks fell.
      const to = Math.min(this.#to, this.#at + this.#options.maxRowBytes + 1);
      const status = scanner.scan(window, this.#at, to, this.#final && to === this.#to);
      if (status === INCOMPLETE) return this.#incomplete(to);
      this.#advance();
      if (status === EMPTY_LINE) continue;
      return status === STRAY_QUOTE ? ROW_CUT : ROW_FOUND;
    }
  }

  /** The present row is taken back and cut behind the line on which its last multi-line quoted field opens. */
  cutAtBreak(): void {
    this.scanner.cutAtBreak(this.window, this.#to);
    this.#at = this.scanner.next;
    this.#nextLine = this.line + this.scanner.lines;
  }

  /** Takes in one more chunk. */
  async fill(): Promise<void> {
    const result = await this.#chunks.next();
    const { transcoder } = this.#options;
    const chunk = transcoder.push(result.done === true ? new Uint8Array(0) : result.value, result.done === true);
    this.#final = result.done === true;
    this.#append(chunk);
    this.generation++;
    const end = this.#final ? this.#to : wholeCharacters(this.window, this.#to);
    this.isValid = isUtf8(this.window.subarray(this.#at, end));
  }

  #append(chunk: Uint8Array): void {
    const pending = this.pending;
    const needed = pending + chunk.length;
    if (needed > this.window.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, pending * 2 + chunk.length));
      this.window.copy(grown, 0, this.#at, this.#to);
      this.window = grown;
    } else {
      this.window.copyWithin(0, this.#at, this.#to);
    }
    this.window.set(chunk, pending);
    this.#at = 0;
    this.#to = needed;
  }

  #advance(): void {
    this.from = this.#at;
    this.line = this.#nextLine;
    this.#at = this.scanner.next;
    this.#nextLine += this.scanner.lines;
  }

  #incomplete(to: number): RowEvent {
    if (to - this.#at <= this.#options.maxRowBytes) return NEED_BYTES;
    if (this.scanner.cutAtOpenQuote(this.window, to)) {
      this.#advance();
      return ROW_CUT;
    }
    this.line = this.#nextLine;
    const end = wholeCharacters(this.window, Math.min(to, this.#at + OVERSIZED_SAMPLE_BYTES));
    this.oversized = { sample: this.#options.transcoder.original(this.window.subarray(this.#at, end)), bytes: 0 };
    this.#skipping = true;
    return this.#skip();
  }

  /** Drops bytes to the next line end: what is beyond the limit can't be trusted to be quoted properly. */
  #skip(): RowEvent {
    const { window } = this;
    let at = this.#at;
    while (at < this.#to && window[at] !== LF && window[at] !== CR) at++;
    this.oversized.bytes += at - this.#at;
    this.#at = at;
    const isLast = at + 1 >= this.#to;
    if (isLast && !this.#final && (at === this.#to || window[at] === CR)) return NEED_BYTES;
    if (at < this.#to) this.#at += window[at] === CR && !isLast && window[at + 1] === LF ? 2 : 1;
    this.#nextLine++;
    this.#skipping = false;
    return ROW_TOO_LARGE;
  }
}
