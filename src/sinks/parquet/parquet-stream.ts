import { openAsBlob } from 'node:fs';
import {
  Compression,
  EnabledStatistics,
  ParquetFile,
  type RecordBatch as WasmRecordBatch,
  Table as WasmTable,
  transformParquetStream,
  type WriterProperties,
  WriterPropertiesBuilder,
} from 'parquet-wasm';
import type { StagedFile } from '../port.ts';
import { release } from '../../record/release.ts';
import type { StagedFileWriter } from '../staged-file.ts';
import { fatalError } from '../../errors.ts';

export interface ParquetStreamOptions {
  /** Columns at the top level that get zstd and statistics; the vector, which is nested, keeps the defaults: neither. */
  readonly flatColumns: readonly string[];
  /** Of those, the ones whose values hardly ever repeat. */
  readonly uniqueColumns: readonly string[];
  readonly rowGroupRows: number;
  readonly keyValueMetadata: ReadonlyMap<string, string>;
}

/**
 * A Parquet file written row group by row group: parquet-wasm encodes what it is given and hands over a row group's
 * bytes once it is full, so that no more than one is in memory.
 */
export class ParquetStream {
  readonly #file: StagedFileWriter;
  readonly #writer: WritableStreamDefaultWriter<WasmRecordBatch>;
  readonly #pumped: Promise<void>;
  #rows = 0;
  #failure: Error | undefined;

  constructor(file: StagedFileWriter, options: ParquetStreamOptions) {
    this.#file = file;
    const batches = new TransformStream<WasmRecordBatch, WasmRecordBatch>(undefined, { highWaterMark: 1 });
    this.#writer = batches.writable.getWriter();
    this.#pumped = this.#pump(transformParquetStream(batches.readable, writerProperties(options)));
  }

  /** One record batch or several, as an Arrow IPC stream, whose memory is given back. */
  async write(ipc: Uint8Array): Promise<void> {
    const table = WasmTable.fromIPCStream(ipc);
    release(ipc);
    try {
      for (const batch of table.recordBatches()) {
        this.#rows += batch.numRows;
        await Promise.race([this.#writer.write(batch), this.#pumped]);
        this.#throwFailure();
      }
    } finally {
      table.free();
    }
  }

  async finish(name: string): Promise<StagedFile> {
    await Promise.race([this.#writer.close(), this.#pumped]);
    await this.#pumped;
    this.#throwFailure();
    await this.#checkRows();
    return this.#file.finish(name);
  }

  async abort(): Promise<void> {
    this.#failure ??= new Error('aborted');
    // An error in its input stream would leave the wasm instance unusable: let it end, into nothing.
    await Promise.race([this.#writer.close(), this.#pumped]).catch(() => undefined);
    await this.#pumped;
    this.#file.abort();
  }

  /** Never rejects: after a failure it drains what is still encoded, so that nobody waits for room for ever. */
  async #pump(opening: Promise<ReadableStream>): Promise<void> {
    try {
      const output = (await opening) as ReadableStream<Uint8Array>;
      for await (const chunk of output) this.#take(chunk);
    } catch (error) {
      this.#failure ??= fatalError('FILE_SINK_PARQUET', 'parquet-wasm could not encode a row group.', error);
    }
  }

  #take(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    try {
      this.#file.write(chunk);
      release(chunk);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** parquet-wasm drops errors of its stream writer silently; the footer tells whether every row arrived. */
  async #checkRows(): Promise<void> {
    const file = await ParquetFile.fromFile(await openAsBlob(this.#file.path));
    const metadata = file.metadata();
    const written = metadata.fileMetadata().numRows();
    metadata.free();
    file.free();
    if (written === this.#rows) return;
    const what = `${this.#file.path} holds ${written} rows of ${this.#rows}: parquet-wasm lost some.`;
    throw fatalError('FILE_SINK_PARQUET', what);
  }
}

function writerProperties(options: ParquetStreamOptions): WriterProperties {
  let builder = new WriterPropertiesBuilder()
    .setCreatedBy('embedstream')
    .setMaxRowGroupSize(options.rowGroupRows)
    .setCompression(Compression.UNCOMPRESSED)
    .setDictionaryEnabled(false)
    .setStatisticsEnabled(EnabledStatistics.None)
    .setKeyValueMetadata(new Map(options.keyValueMetadata));
  const unique = new Set(options.uniqueColumns);
  for (const column of options.flatColumns) {
    builder = builder
      .setColumnCompression(column, Compression.ZSTD)
      .setColumnStatisticsEnabled(column, EnabledStatistics.Chunk)
      .setColumnDictionaryEnabled(column, !unique.has(column));
  }
  return builder.build();
}
