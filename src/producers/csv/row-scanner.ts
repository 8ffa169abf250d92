const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** A row was found: `end`, `next`, `lines` and the fields are set. */
export const ROW = 0;
/** A line of nothing but blanks: `next` and `lines` are set. */
export const EMPTY_LINE = 1;
/** The bytes end before the row does: scan it again with more of them. */
export const INCOMPLETE = 2;
/**
 * A quoted field is never closed, or text follows its closing quote on a later line. The row is cut behind the line
 * on which that field opens (`end`, `next` and `lines` say so), so that one stray quote costs one line.
 */
export const STRAY_QUOTE = 3;
export type ScanStatus = typeof ROW | typeof EMPTY_LINE | typeof INCOMPLETE | typeof STRAY_QUOTE;

/** Bytes at which the loop over an unquoted field stops. */
const ORDINARY = 0;
const STOP = 1;

/**
 * Finds the rows and fields of a delimited text in UTF-8 bytes, RFC 4180 and its common variations: a quote opens a
 * field only at its beginning (blanks before it are allowed when the field closes on the same line), `""` within
 * quotes is a quote, and \n, \r\n and \r end a row. Nothing is allocated for a row: what was found stands in the
 * public fields until the next `scan`.
 */
export class RowScanner {
  readonly delimiter: number;
  /** Field i is [starts[i], ends[i]), without its quotes. */
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** 1 where the field holds doubled quotes. */
  doubled = new Uint8Array(64);
  fieldCount = 0;
  /** End of the row without its line end, and beginning of the next one. */
  end = 0;
  next = 0;
  /** Physical lines from the row's beginning to `next`. */
  lines = 0;
  /** All bytes of the row or-ed: below 0x80 it is ASCII. */
  bits = 0;
  hasNul = false;
  /** Field in which text follows a closing quote on the same line, or -1. */
  textAfterQuote = -1;
  /** After STRAY_QUOTE: the field that opens with it. */
  strayField = -1;
  /** The last quoted field that runs over a line end: its number (-1: none), and where its first line ends. */
  brokenField = -1;
  breakAt = 0;
  /** Lines before the break. */
  breakLines = 0;

  readonly #classes = new Uint8Array(256);
  #closedAt = 0;

  constructor(delimiter: number) {
    this.delimiter = delimiter;
    this.#classes[0] = STOP;
    this.#classes[LF] = STOP;
    this.#classes[CR] = STOP;
    this.#classes[delimiter] = STOP;
  }

  /** Scans one row that begins at `from`. `final`: nothing comes after `to`. */
  scan(bytes: Uint8Array, from: number, to: number, final: boolean): ScanStatus {
    this.#reset();
    let at = from;
    for (;;) {
      const first = at < to ? (bytes[at] ?? 0) : LF;
      let opening = first === QUOTE ? at : -1;
      if (first === SPACE || first === TAB) opening = this.#quoteAfterBlanks(bytes, at, to, final);
      if (opening >= 0) {
        const status = this.#quotedField(bytes, opening + 1, to, final);
        if (status !== ROW) return status;
        at = this.#closedAt;
      } else {
        at = this.#plainField(bytes, at, at, to);
      }
      if (at >= to) return final ? this.#finish(bytes, from, to, to) : INCOMPLETE;
      if (bytes[at] === this.delimiter) at++;
      else break;
    }
    const next = afterLineEnd(bytes, at, to, final);
    if (next < 0) return INCOMPLETE;
    return this.#finish(bytes, from, at, next);
  }

  /** After INCOMPLETE with more bytes than a row may have: cuts the row when an open quote is to blame. */
  cutAtOpenQuote(bytes: Uint8Array, to: number): boolean {
    if (this.brokenField !== this.fieldCount) return false;
    this.cutAtBreak(bytes, to);
    return true;
  }

  /** Ends the row behind the line on which the last multi-line quoted field opens. */
  cutAtBreak(bytes: Uint8Array, to: number): void {
    this.strayField = this.brokenField;
    this.end = this.breakAt;
    this.next = afterLineEnd(bytes, this.breakAt, to, true);
    this.lines = this.breakLines + 1;
  }

  #reset(): void {
    this.fieldCount = 0;
    this.lines = 0;
    this.bits = 0;
    this.hasNul = false;
    this.textAfterQuote = -1;
    this.brokenField = -1;
  }

  /** Scans to the field's end and records [start, end). */
  #plainField(bytes: Uint8Array, start: number, from: number, to: number): number {
    const classes = this.#classes;
    let bits = this.bits;
    let at = from;
    for (; at < to; at++) {
      const byte = bytes[at] ?? 0;
      bits |= byte;
      if (classes[byte] === ORDINARY) continue;
      if (byte !== 0) break;
      this.hasNul = true;
    }
    this.bits = bits;
    this.#record(start, at, 0);
    return at;
  }

  /** `from` is behind the opening quote. Sets `#closedAt` to the delimiter or line end behind the field. */
  #quotedField(bytes: Uint8Array, from: number, to: number, final: boolean): ScanStatus {
    let doubled = 0;
    let broken = false;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      this.bits |= byte;
      if (byte > QUOTE || byte === SPACE) continue;
      if (byte === QUOTE) {
        if (at + 1 === to && !final) return INCOMPLETE;
        if (bytes[at + 1] !== QUOTE || at + 1 === to) return this.#closed(bytes, from, at, to, doubled, broken);
        doubled = 1;
        at++;
      } else if (byte === LF || (byte === CR && (at + 1 === to || bytes[at + 1] !== LF))) {
        if (!broken) this.#markBreak(bytes, at);
        broken = true;
        this.lines++;
      } else if (byte === 0) this.hasNul = true;
    }
    if (!final) return INCOMPLETE;
    if (broken) this.cutAtBreak(bytes, to);
    else this.#endAt(to, to);
    this.strayField = this.fieldCount;
    return STRAY_QUOTE;
  }

  #closed(bytes: Uint8Array, from: number, quote: number, to: number, doubled: number, broken: boolean): ScanStatus {
    const at = this.#skipBlanks(bytes, quote + 1, to);
    const byte = bytes[at] ?? 0;
    if (at >= to || byte === this.delimiter || byte === LF || byte === CR) {
      this.#record(from, quote, doubled);
      this.#closedAt = at;
      return ROW;
    }
    if (broken) {
      this.cutAtBreak(bytes, to);
      return STRAY_QUOTE;
    }
    if (this.textAfterQuote < 0) this.textAfterQuote = this.fieldCount;
    this.#closedAt = this.#plainField(bytes, from, at, to);
    return ROW;
  }

  #markBreak(bytes: Uint8Array, at: number): void {
    this.brokenField = this.fieldCount;
    this.breakAt = bytes[at] === LF && bytes[at - 1] === CR ? at - 1 : at;
    this.breakLines = this.lines;
  }

  /** The quote behind blanks, when the field it opens closes properly on the same line; else -1. */
  #quoteAfterBlanks(bytes: Uint8Array, from: number, to: number, final: boolean): number {
    const opening = this.#skipBlanks(bytes, from, to);
    if (opening >= to || bytes[opening] !== QUOTE) return -1;
    for (let at = opening + 1; at < to; at++) {
      const byte = bytes[at];
      if (byte === LF || byte === CR) return -1;
      if (byte !== QUOTE) continue;
      if (bytes[at + 1] === QUOTE && at + 1 < to) {
        at++;
        continue;
      }
      const behind = this.#skipBlanks(bytes, at + 1, to);
      if (behind >= to) return final ? opening : -1;
      const follower = bytes[behind];
      return follower === this.delimiter || follower === LF || follower === CR ? opening : -1;
    }
    return -1;
  }

  #skipBlanks(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && bytes[at] !== this.delimiter && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    return at;
  }

  #record(start: number, end: number, doubled: number): void {
    const index = this.fieldCount++;
    if (index === this.starts.length) this.#grow();
    this.starts[index] = start;
    this.ends[index] = end;
    this.doubled[index] = doubled;
  }

  #grow(): void {
    const { starts, ends, doubled } = this;
    this.starts = new Int32Array(starts.length * 2);
    this.starts.set(starts);
    this.ends = new Int32Array(ends.length * 2);
    this.ends.set(ends);
    this.doubled = new Uint8Array(doubled.length * 2);
    this.doubled.set(doubled);
  }

  #finish(bytes: Uint8Array, from: number, end: number, next: number): ScanStatus {
    this.#endAt(end, next);
    return this.fieldCount === 1 && this.#skipBlanks(bytes, from, end) === end ? EMPTY_LINE : ROW;
  }

  #endAt(end: number, next: number): void {
    this.end = end;
    this.next = next;
    this.lines++;
  }
}

/** Beginning of the next line, or -1 when a \r is the last byte so far. */
function afterLineEnd(bytes: Uint8Array, at: number, to: number, final: boolean): number {
  if (bytes[at] === LF) return at + 1;
  if (at + 1 < to) return bytes[at + 1] === LF ? at + 2 : at + 1;
  return final ? at + 1 : -1;
}
