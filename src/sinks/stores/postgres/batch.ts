import type { EmbeddingChange } from '../port.ts';
import { COPY_HEADER, COPY_TRAILER, encodeRow, rowBytes, type RowFormat, type StagedRow } from './copy-rows.ts';

const FIRST_BYTES = 1024 * 1024;

interface Place {
  readonly from: number;
  readonly to: number;
  readonly isDeletion: boolean;
}

/**
 * Changes that are written in one transaction, as a stream of COPY: the last one of each id. All rows lie in one buffer,
 * which is used again after `clear`: a buffer each would keep the garbage collector busy for as long as the rest takes.
 */
export class Batch {
  readonly #format: RowFormat;
  readonly #places = new Map<string, Place>();
  #slab = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  /** Rows that a later one of their id has taken the place of, in order. */
  #dropped: Place[] = [];
  deletions = 0;
  /** Behind the last change; undefined: there is none. */
  next: number | undefined;

  constructor(format: RowFormat) {
    this.#format = format;
    this.clear();
  }

  get size(): number {
    return this.#places.size;
  }

  get bytes(): number {
    return this.#end;
  }

  /** A change that needs nothing. */
  skip({ offset }: EmbeddingChange): void {
    this.next = offset + 1;
  }

  add({ id, embedding, offset }: EmbeddingChange): void {
    const before = this.#places.get(id);
    if (before !== undefined) {
      this.#dropped.push(before);
      if (before.isDeletion) this.deletions--;
    }
    const row = { id, vector: embedding?.vector ?? null, createdAt: embedding?.createdAt ?? 0 };
    const from = this.#end;
    this.#append(row);
    const isDeletion = embedding === null;
    if (isDeletion) this.deletions++;
    this.#places.set(id, { from, to: this.#end, isDeletion });
    this.next = offset + 1;
  }

  /** The stream of COPY in pieces of about so many bytes; views, valid until `clear`. */
  *chunks(bytes: number): Generator<Buffer> {
    let from = 0;
    // Ids come again in any order.
    for (const dropped of this.#dropped.toSorted((a, b) => a.from - b.from)) {
      yield* this.#pieces(from, dropped.from, bytes);
      from = dropped.to;
    }
    yield* this.#pieces(from, this.#end, bytes);
    yield COPY_TRAILER;
  }

  clear(): void {
    this.#places.clear();
    this.#dropped = [];
    this.#end = COPY_HEADER.copy(this.#slab);
    this.deletions = 0;
    this.next = undefined;
  }

  #append(row: StagedRow): void {
    const needed = this.#end + rowBytes(row, this.#format);
    if (needed > this.#slab.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#slab.length * 2));
      this.#slab.copy(larger, 0, 0, this.#end);
      this.#slab = larger;
    }
    encodeRow(row, this.#format, this.#slab.subarray(this.#end, needed));
    this.#end = needed;
  }

  *#pieces(from: number, to: number, bytes: number): Generator<Buffer> {
    for (let at = from; at < to; at += bytes) yield this.#slab.subarray(at, Math.min(at + bytes, to));
  }
}
