import zlib from 'node:zlib';
import { Compression, encodePageHeader, type ColumnChunk, type Statistics } from './format.ts';
import { LevelRuns } from './levels.ts';

/** A page is closed at the next batch once it is this large. */
const PAGE_BYTES = 1 << 20;
/** Longer values are no bounds to anybody, and would fill the footer. */
const MAX_BOUND_BYTES = 64;

export interface FlatColumnOptions {
  readonly nullable?: boolean;
  /** Keeps the least and the greatest value. */
  readonly bounds?: boolean;
}

/** Node 20, on which programs may import the package, has no zstd. */
const hasZstd = typeof (zlib as Partial<typeof zlib>).zstdCompressSync === 'function';

function compress(bytes: Uint8Array): Uint8Array {
  if (!hasZstd) return zlib.gzipSync(bytes, { level: 1 });
  return zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } });
}

/**
 * A column at the top level: values of the open page as they go to the file, and the compressed pages before it of the
 * same row group. Its memory is used again for the next one.
 */
export abstract class FlatColumn {
  /** Values of the row group, nulls included. */
  length = 0;
  protected readonly options: FlatColumnOptions;
  /** Plain encoded. */
  protected bytes = new Uint8Array(1 << 12);
  protected size = 0;
  readonly #levels: LevelRuns | undefined;
  #pages: Uint8Array[] = [];
  #pageStart = 0;
  #uncompressedBytes = 0;
  #nullCount = 0;

  constructor(options: FlatColumnOptions = {}) {
    this.options = options;
    this.#levels = options.nullable === true ? new LevelRuns() : undefined;
  }

  /** Nulls up to `length` values. */
  padTo(length: number): void {
    const nulls = length - this.length;
    if (nulls <= 0) return;
    this.#levels?.add(0, nulls);
    this.#nullCount += nulls;
    this.length = length;
  }

  /** To be called now and then: closes the page when it is large. */
  endBatch(): void {
    if (this.size >= PAGE_BYTES) this.#endPage();
  }

  /** Hands over the row group's pages, the first of which will be at `offset` of the file, and begins the next. */
  finish(offset: number, write: (bytes: Uint8Array) => void): ColumnChunk {
    this.#endPage();
    let bytes = 0;
    for (const page of this.#pages) {
      write(page);
      bytes += page.length;
    }
    const chunk: ColumnChunk = {
      ...{ offset, values: this.length, bytes, uncompressedBytes: this.#uncompressedBytes },
      codec: hasZstd ? Compression.zstd : Compression.gzip,
      statistics: { nullCount: this.#nullCount, ...this.bounds() },
    };
    this.#pages = [];
    this.length = this.#pageStart = this.#uncompressedBytes = this.#nullCount = 0;
    this.clearBounds();
    return chunk;
  }

  /** A value was put at the end of `bytes`. */
  protected added(): void {
    this.length++;
    this.#levels?.add(1);
  }

  protected reserve(more: number): void {
    if (this.size + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.size + more));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }

  protected abstract bounds(): Pick<Statistics, 'min' | 'max'>;
  protected abstract clearBounds(): void;
  /** Completes the page's values; called before it is written. */
  protected closeValues(): void {
    // Most need nothing.
  }

  #endPage(): void {
    const values = this.length - this.#pageStart;
    if (values === 0) return;
    this.closeValues();
    const levels = this.#levels?.encoded() ?? new Uint8Array(0);
    const body = new Uint8Array(levels.length + this.size);
    body.set(levels);
    body.set(this.bytes.subarray(0, this.size), levels.length);
    const compressed = compress(body);
    const header = encodePageHeader(values, body.length, compressed.length);
    this.#pages.push(header, compressed);
    this.#uncompressedBytes += header.length + body.length;
    this.#pageStart = this.length;
    this.size = 0;
    this.#levels?.clear();
  }
}

/** The least and the greatest of byte strings, in their order as unsigned bytes. */
export class ByteBounds {
  #min: Uint8Array | undefined;
  #max: Uint8Array | undefined;
  #isKept = true;

  add(source: Uint8Array, start: number, end: number): void {
    if (!this.#isKept) return;
    if (end - start > MAX_BOUND_BYTES) {
      this.#isKept = false;
      return;
    }
    if (this.#min === undefined || compare(source, start, end, this.#min) < 0) this.#min = source.slice(start, end);
    if (this.#max === undefined || compare(source, start, end, this.#max) > 0) this.#max = source.slice(start, end);
  }

  get(): Pick<Statistics, 'min' | 'max'> {
    return this.#isKept && this.#min !== undefined && this.#max !== undefined ? { min: this.#min, max: this.#max } : {};
  }

  clear(): void {
    this.#min = this.#max = undefined;
    this.#isKept = true;
  }
}

function compare(source: Uint8Array, start: number, end: number, other: Uint8Array): number {
  const length = Math.min(end - start, other.length);
  for (let i = 0; i < length; i++) {
    const difference = (source[start + i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return end - start - other.length;
}
