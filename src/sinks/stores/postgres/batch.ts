import type { EmbeddingChange } from '../port.ts';
import { encodeRow, type RowFormat } from './copy-rows.ts';

/** Changes that are written in one transaction: the last one of each id, as a row of COPY. */
export class Batch {
  readonly #format: RowFormat;
  readonly #rows = new Map<string, { readonly row: Buffer; readonly isDeletion: boolean }>();
  bytes = 0;
  deletions = 0;
  /** Behind the last change; undefined: there is none. */
  next: number | undefined;

  constructor(format: RowFormat) {
    this.#format = format;
  }

  get size(): number {
    return this.#rows.size;
  }

  *rows(): Generator<Buffer> {
    for (const { row } of this.#rows.values()) yield row;
  }

  /** A change that needs nothing. */
  skip({ offset }: EmbeddingChange): void {
    this.next = offset + 1;
  }

  add({ id, embedding, offset }: EmbeddingChange): void {
    const before = this.#rows.get(id);
    if (before !== undefined) {
      this.bytes -= before.row.length;
      if (before.isDeletion) this.deletions--;
    }
    const isDeletion = embedding === null;
    const row = encodeRow(
      { id, vector: embedding?.vector ?? null, createdAt: embedding?.createdAt ?? 0 },
      this.#format,
    );
    this.#rows.set(id, { row, isDeletion });
    this.bytes += row.length;
    if (isDeletion) this.deletions++;
    this.next = offset + 1;
  }
}
