import type { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { Compression, encodePageHeader, type ColumnChunk } from './format.ts';
import { LevelRuns } from './levels.ts';

const FLOAT_BYTES = 4;

/**
 * The column of vectors, (rows, D) float32: its pages go to the file as they fill, in front of the row group's other
 * columns, so that no row group is ever in memory. Neither compressed (zstd saves 8 %) nor with statistics.
 */
export class VectorColumn {
  readonly #dimension: number;
  readonly #write: (bytes: Uint8Array) => void;
  /** (pageRows, D) */
  readonly #page: Uint8Array;
  readonly #repetition = new LevelRuns();
  readonly #definition = new LevelRuns();
  #pageRows = 0;
  #rows = 0;
  #bytes = 0;

  constructor(dimension: number, pageRows: number, write: (bytes: Uint8Array) => void) {
    this.#dimension = dimension;
    this.#write = write;
    this.#page = new Uint8Array(pageRows * dimension * FLOAT_BYTES);
  }

  /** Takes the vector of the scanned row. */
  append(scanner: EmbeddingScanner): void {
    scanner.copyVector(this.#page, this.#pageRows * this.#dimension * FLOAT_BYTES);
    this.#pageRows++;
  }

  endPage(): void {
    if (this.#pageRows === 0) return;
    const values = this.#pageRows * this.#dimension;
    const levels = [this.#repetitionLevels(), this.#definitionLevels(values)];
    const data = this.#page.subarray(0, values * FLOAT_BYTES);
    const bodyBytes = levels.reduce((total, each) => total + each.length, data.length);
    for (const part of [encodePageHeader(values, bodyBytes, bodyBytes), ...levels, data]) {
      this.#write(part);
      this.#bytes += part.length;
    }
    this.#rows += this.#pageRows;
    this.#pageRows = 0;
  }

  /** Of the row group that ends here, whose first page is at `offset` of the file. */
  finish(offset: number): ColumnChunk {
    this.endPage();
    const bytes = this.#bytes;
    const values = this.#rows * this.#dimension;
    this.#bytes = this.#rows = 0;
    return { offset, values, bytes, uncompressedBytes: bytes, codec: Compression.uncompressed };
  }

  /** 0 where a row begins, 1 for the rest of it. */
  #repetitionLevels(): Uint8Array {
    this.#repetition.clear();
    for (let row = 0; row < this.#pageRows; row++) {
      this.#repetition.add(0);
      this.#repetition.add(1, this.#dimension - 1);
    }
    return this.#repetition.encoded();
  }

  /** No vector is empty. */
  #definitionLevels(values: number): Uint8Array {
    this.#definition.clear();
    this.#definition.add(1, values);
    return this.#definition.encoded();
  }
}
