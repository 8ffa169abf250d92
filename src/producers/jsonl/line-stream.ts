import { isUtf8 } from 'node:buffer';

export const LINE_FOUND = 1;
export const LINE_TOO_LONG = 2;
export const NEED_BYTES = 3;
export const END = 4;
type LineEvent = typeof LINE_FOUND | typeof LINE_TOO_LONG | typeof NEED_BYTES | typeof END;

const LF = 0x0a;
const CR = 0x0d;
/** How much of a line that is too long is kept. */
const OVERSIZED_SAMPLE_BYTES = 64 * 1024;

/**
 * Cuts chunks of bytes into lines within one window that grows to the longest line, never beyond `maxLineBytes` and a
 * chunk. `next` answers from what is there; at NEED_BYTES `fill` has to be awaited, which moves the window's bytes.
 */
export class LineStream {
  window: Buffer = Buffer.alloc(0);
  /** The present line, without its line end. */
  from = 0;
  end = 0;
  /** Its number, from 1. */
  line = 0;
  /** Whether all bytes of the window that are looked at are valid UTF-8. */
  isValid = true;
  /** At LINE_TOO_LONG: the line's beginning, a copy, and how many bytes it has in all. */
  oversized: { sample: Uint8Array; bytes: number } = { sample: new Uint8Array(0), bytes: 0 };
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #maxLineBytes: number;
  #at = 0;
  #to = 0;
  /** Up to here there is no line end. */
  #searched = 0;
  #isFinal = false;
  #isSkipping = false;

  constructor(chunks: AsyncIterator<Uint8Array>, maxLineBytes: number) {
    this.#chunks = chunks;
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes that no line has been made of yet. */
  get pending(): number {
    return this.#to - this.#at;
  }

  /** The beginning of these, a copy. */
  get pendingSample(): Uint8Array {
    return Uint8Array.from(this.window.subarray(this.#at, Math.min(this.#to, this.#at + OVERSIZED_SAMPLE_BYTES)));
  }

  next(): LineEvent {
    if (this.#isSkipping) return this.#skip();
    const found = this.window.subarray(this.#searched, this.#to).indexOf(LF);
    const lineEnd = found < 0 ? this.#to : this.#searched + found;
    if (lineEnd - this.#at > this.#maxLineBytes) return this.#beginSkip();
    if (found < 0 && !this.#isFinal) {
      this.#searched = this.#to;
      return NEED_BYTES;
    }
    if (found < 0 && this.#at === this.#to) return END;
    this.from = this.#at;
    this.end = lineEnd > this.#at && this.window[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    this.line++;
    this.#at = Math.min(lineEnd + 1, this.#to);
    this.#searched = this.#at;
    return LINE_FOUND;
  }

  /** Takes in one more chunk. Rejects as the chunks do. */
  async fill(): Promise<void> {
    const result = await this.#chunks.next();
    if (result.done === true) this.#isFinal = true;
    else this.#append(result.value);
    const end = this.#isFinal ? this.#to : wholeCharacters(this.window, this.#at, this.#to);
    this.isValid = this.#isSkipping || isUtf8(this.window.subarray(this.#at, end));
  }

  #append(chunk: Uint8Array): void {
    const pending = this.pending;
    const needed = pending + chunk.length;
    if (needed > this.window.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, pending * 2 + chunk.length));
      this.window.copy(grown, 0, this.#at, this.#to);
      this.window = grown;
    } else if (this.#at > 0) {
      this.window.copyWithin(0, this.#at, this.#to);
    }
    this.window.set(chunk, pending);
    this.#searched -= this.#at;
    this.#at = 0;
    this.#to = needed;
  }

  #beginSkip(): LineEvent {
    this.oversized = { sample: this.pendingSample, bytes: 0 };
    this.#isSkipping = true;
    this.line++;
    return this.#skip();
  }

  #skip(): LineEvent {
    const found = this.window.subarray(this.#at, this.#to).indexOf(LF);
    const lineEnd = found < 0 ? this.#to : this.#at + found;
    this.oversized.bytes += lineEnd - this.#at;
    this.#at = Math.min(lineEnd + 1, this.#to);
    this.#searched = this.#at;
    if (found < 0 && !this.#isFinal) return NEED_BYTES;
    this.#isSkipping = false;
    return LINE_TOO_LONG;
  }
}

/** The end of the last character that is whole, so that one cut by the window's end doesn't count as invalid. */
function wholeCharacters(bytes: Uint8Array, from: number, to: number): number {
  for (let back = 1; back <= 3 && to - back >= from; back++) {
    const byte = bytes[to - back] ?? 0;
    if (byte < 0x80) return to;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? to - back : to;
  }
  return to;
}
