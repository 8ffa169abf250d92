import { BATCH_ROWS } from './embedding-columns.ts';
import { ParquetFile } from './parquet-file.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { scanRow } from '../scan-row.ts';
import { FingerprintSet } from '../fingerprints.ts';
import type { FinishedShard, ShardOptions, ShardRows } from '../port.ts';
import type { ShardEncoder } from '../shard-encoder.ts';
import { StagedFileWriter } from '../staged-file.ts';

const MAX_ROW_GROUP_ROWS = 8192;
/** Readers take a row group at once. */
const MAX_ROW_GROUP_VECTOR_BYTES = 16 << 20;

export interface ParquetEncoderOptions extends ShardOptions {
  /** Left out by the metadata file of an npy shard. Default true. */
  readonly vectors?: boolean;
  /** Appended to the shard's name. Default `.parquet`. */
  readonly suffix?: string;
}

/** Rows of a row group: 8,192, fewer when the vectors are longer than 512 dimensions. */
export function rowGroupRows(dimension: number): number {
  const rows = Math.floor(MAX_ROW_GROUP_VECTOR_BYTES / (dimension * 4) / BATCH_ROWS) * BATCH_ROWS;
  return Math.max(BATCH_ROWS, Math.min(MAX_ROW_GROUP_ROWS, rows));
}

/** One Parquet file of a shard. */
export class ParquetEncoder implements ShardEncoder {
  readonly #options: ParquetEncoderOptions;
  readonly #scanner = new EmbeddingScanner();
  readonly #fingerprints = new FingerprintSet();
  readonly #file: StagedFileWriter;
  readonly #parquet: ParquetFile;

  constructor(options: ParquetEncoderOptions) {
    this.#options = options;
    const { model, dimension, vectors = true } = options;
    this.#file = new StagedFileWriter(options.stagingFolder);
    const file = { model, dimension, withVectors: vectors, rowGroupRows: rowGroupRows(dimension) };
    this.#parquet = new ParquetFile(this.#file, file);
  }

  write(rows: ShardRows): void {
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(this.#scanner, rows, i, this.#options.dimension);
      this.take(this.#scanner, rows.offsets[i] ?? -1);
    }
  }

  /** Takes the scanned row, which is at `offset` of the embeddings topic. */
  take(scanner: EmbeddingScanner, offset: number): void {
    this.#parquet.append(scanner, offset);
    this.#fingerprints.add(scanner.bytes, scanner.fingerprintStart);
  }

  finish(shardName: string): FinishedShard {
    const file = this.#parquet.finish(shardName + (this.#options.suffix ?? '.parquet'));
    return { files: [file], fingerprints: this.#fingerprints.sorted() };
  }

  abort(): void {
    this.#file.abort();
  }
}
