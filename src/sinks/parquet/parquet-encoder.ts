import { BATCH_ROWS, EmbeddingBatch, FILE_METADATA_KEY } from './embedding-batch.ts';
import { MetadataColumnPlanner } from './metadata-columns.ts';
import { ParquetStream } from './parquet-stream.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { fatalError } from '../../errors.ts';
import { scanRow } from '../scan-row.ts';
import { FingerprintSet } from '../fingerprints.ts';
import type { FinishedShard, ShardOptions, ShardRows } from '../port.ts';
import { release } from '../../record/release.ts';
import type { ShardEncoder } from '../shard-encoder.ts';
import { StagedFileWriter } from '../staged-file.ts';

const MAX_ROW_GROUP_ROWS = 8192;
/** A row group lies in memory two or three times. */
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

/** One Parquet file of a shard. The columns are decided by its first row group, which therefore waits as raw bytes. */
export class ParquetEncoder implements ShardEncoder {
  readonly #options: ParquetEncoderOptions;
  readonly #scanner = new EmbeddingScanner();
  readonly #fingerprints = new FingerprintSet();
  readonly #file: StagedFileWriter;
  #waiting: ShardRows[] = [];
  #waitingRows = 0;
  #batch: EmbeddingBatch | undefined;
  #stream: ParquetStream | undefined;

  constructor(options: ParquetEncoderOptions) {
    this.#options = options;
    this.#file = new StagedFileWriter(options.stagingFolder);
  }

  async write(rows: ShardRows): Promise<void> {
    if (this.#batch !== undefined) return this.#append(rows, this.#batch);
    this.#waiting.push(rows);
    this.#waitingRows += rows.offsets.length;
    if (this.#waitingRows >= rowGroupRows(this.#options.dimension)) await this.#start();
  }

  async finish(shardName: string): Promise<FinishedShard> {
    const batch = this.#batch ?? (await this.#start());
    if (batch.length > 0) await this.#flush(batch);
    if (this.#stream === undefined) throw fatalError('FILE_SINK_PARQUET', 'A shard without rows has no Parquet file.');
    const file = await this.#stream.finish(shardName + (this.#options.suffix ?? '.parquet'));
    return { files: [file], fingerprints: this.#fingerprints.sorted() };
  }

  async abort(): Promise<void> {
    if (this.#stream === undefined) this.#file.abort();
    else await this.#stream.abort();
  }

  /** Plans the columns from what waits, and writes it. */
  async #start(): Promise<EmbeddingBatch> {
    const planner = this.#planColumns();
    const batch = new EmbeddingBatch(planner, this.#options.dimension, this.#options.vectors ?? true);
    this.#batch = batch;
    this.#stream = new ParquetStream(this.#file, {
      flatColumns: batch.flatColumns,
      uniqueColumns: ['id', 'contentHash'],
      rowGroupRows: rowGroupRows(this.#options.dimension),
      keyValueMetadata: new Map([[FILE_METADATA_KEY, batch.fileMetadata(this.#options.model)]]),
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let rows = waiting.shift(); rows !== undefined; rows = waiting.shift()) await this.#append(rows, batch);
    return batch;
  }

  /** Looks at the first row group and no further, so that the columns do not depend on how the rows came. */
  #planColumns(): MetadataColumnPlanner {
    const planner = new MetadataColumnPlanner();
    let left = rowGroupRows(this.#options.dimension);
    for (const rows of this.#waiting) {
      const count = Math.min(left, rows.offsets.length);
      for (let i = 0; i < count; i++) {
        scanRow(this.#scanner, rows, i, this.#options.dimension);
        planner.add(this.#scanner);
      }
      left -= count;
    }
    return planner;
  }

  async #append(rows: ShardRows, batch: EmbeddingBatch): Promise<void> {
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(this.#scanner, rows, i, this.#options.dimension);
      batch.append(this.#scanner, rows.offsets[i] ?? -1);
      this.#fingerprints.add(this.#scanner.bytes, this.#scanner.fingerprintStart);
      if (batch.length === BATCH_ROWS) await this.#flush(batch);
    }
    release(rows.bytes);
  }

  async #flush(batch: EmbeddingBatch): Promise<void> {
    const ipc = batch.toIpc();
    batch.clear();
    await this.#stream?.write(ipc);
  }
}
