import {
  Bool,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  type Data,
} from 'apache-arrow';
import { BoolColumn, Int32Column, Int64Column, Utf8Column } from './columns.ts';
import { MetadataColumns, type MetadataColumnPlan, type MetadataColumnPlanner } from './metadata-columns.ts';
import type { EmbeddingScanner } from '../../codec/embedding-scanner.ts';

/** Key of the file's metadata that tells readers which columns are the record's metadata. */
export const FILE_METADATA_KEY = 'embedstream';
/** Rows handed to parquet-wasm at once: more only takes memory. */
export const BATCH_ROWS = 512;
const HASH_BYTES = 32;
const TWO_32 = 0x1_0000_0000;

/** The JSON at `FILE_METADATA_KEY`. */
export interface FileMetadata {
  readonly version: 1;
  readonly model: string;
  readonly dimension: number;
  readonly metadata: readonly MetadataColumnPlan[];
}

const utf8 = (name: string, nullable = false): Field => new Field(name, new Utf8(), nullable);

/** Columns of up to `BATCH_ROWS` embeddings, in Arrow's layout. */
export class EmbeddingBatch {
  length = 0;
  /** (BATCH_ROWS, D) float32, and the same memory as bytes; undefined when the file holds no vectors. */
  readonly #floats: Float32Array;
  readonly #vectors: Uint8Array | undefined;
  readonly #dimension: number;
  readonly #plan: readonly MetadataColumnPlan[];
  readonly #schema: Schema;
  readonly #id = new Utf8Column(BATCH_ROWS);
  readonly #contentHash = new Utf8Column(BATCH_ROWS);
  readonly #fingerprint = new Utf8Column(BATCH_ROWS);
  readonly #tokenCount = new Int32Column(BATCH_ROWS);
  readonly #truncated = new BoolColumn(BATCH_ROWS);
  readonly #createdAt = new Int64Column(BATCH_ROWS, new TimestampMillisecond('UTC'));
  readonly #offset = new Int64Column(BATCH_ROWS);
  readonly #text = new Utf8Column(BATCH_ROWS);
  readonly #metadata: MetadataColumns;

  constructor(planner: MetadataColumnPlanner, dimension: number, withVectors: boolean) {
    this.#dimension = dimension;
    this.#floats = new Float32Array(withVectors ? BATCH_ROWS * dimension : 0);
    this.#vectors = withVectors ? new Uint8Array(this.#floats.buffer) : undefined;
    const vector = new FixedSizeList(dimension, new Field('item', new Float32(), false));
    const own = [
      utf8('id'),
      ...(withVectors ? [new Field('vector', vector, false)] : []),
      utf8('contentHash'),
      utf8('fingerprint'),
      new Field('tokenCount', new Int32(), false),
      new Field('truncated', new Bool(), false),
      new Field('createdAt', new TimestampMillisecond('UTC'), false),
      new Field('offset', new Int64(), false),
      utf8('text', true),
    ];
    // `vector` is reserved also where there is none, so that both files of an npy shard name metadata alike.
    this.#plan = planner.plan([...new Set([...own.map((field) => field.name), 'vector'])]);
    this.#metadata = new MetadataColumns(this.#plan, BATCH_ROWS);
    this.#schema = new Schema([...own, ...this.#metadata.fields]);
  }

  get flatColumns(): string[] {
    return this.#schema.fields.map((field) => field.name).filter((name) => name !== 'vector');
  }

  fileMetadata(model: string): string {
    const metadata: FileMetadata = { version: 1, model, dimension: this.#dimension, metadata: this.#plan };
    return JSON.stringify(metadata);
  }

  /** Takes the scanned row, which is at `offset` of the embeddings topic. */
  append(scanner: EmbeddingScanner, offset: number): void {
    const { bytes } = scanner;
    this.#id.append(bytes, scanner.idStart, scanner.idEnd);
    this.#contentHash.appendHex(bytes, scanner.contentHashStart, HASH_BYTES);
    this.#fingerprint.appendHex(bytes, scanner.fingerprintStart, HASH_BYTES);
    this.#tokenCount.append(scanner.tokenCount);
    this.#truncated.append(scanner.truncated === 1);
    this.#createdAt.append(scanner.createdAtLow, scanner.createdAtHigh);
    this.#offset.append((offset % TWO_32) | 0, Math.floor(offset / TWO_32));
    if (scanner.textStart >= 0) this.#text.append(bytes, scanner.textStart, scanner.textEnd);
    else this.#text.padTo(this.length + 1);
    if (this.#vectors !== undefined) scanner.copyVector(this.#vectors, this.length * this.#dimension * 4);
    this.#metadata.append(scanner, this.length);
    this.length++;
  }

  /** The batch as an Arrow IPC stream. */
  toIpc(): Uint8Array {
    const children = [
      this.#id.data(),
      ...(this.#vectors === undefined ? [] : [this.#vectorData()]),
      ...[this.#contentHash, this.#fingerprint, this.#tokenCount, this.#truncated].map((column) => column.data()),
      this.#createdAt.data(),
      this.#offset.data(),
      this.#text.data(),
      ...this.#metadata.data(this.length),
    ];
    const type = new Struct(this.#schema.fields);
    const rows = makeData({ type, length: this.length, nullCount: 0, children });
    const writer = new RecordBatchStreamWriter();
    writer.write(new RecordBatch(this.#schema, rows));
    writer.finish();
    return writer.toUint8Array(true);
  }

  clear(): void {
    this.length = 0;
    for (const column of [this.#id, this.#contentHash, this.#fingerprint, this.#text]) column.clear();
    for (const column of [this.#tokenCount, this.#truncated, this.#createdAt, this.#offset]) column.clear();
    this.#metadata.clear();
  }

  #vectorData(): Data {
    const length = this.length * this.#dimension;
    const child = makeData({ type: new Float32(), length, nullCount: 0, data: this.#floats.subarray(0, length) });
    const type = new FixedSizeList(this.#dimension, new Field('item', new Float32(), false));
    return makeData({ type, length: this.length, nullCount: 0, child });
  }
}
