import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { BoolColumn, Int32Column, Int64Column, Utf8Column } from './columns.ts';
import type { FlatColumn } from './flat-column.ts';
import { PhysicalType, type ColumnChunk, type ColumnSchema, type RowGroup } from './format.ts';
import { MetadataColumnPlanner, MetadataColumns, type MetadataColumnPlan } from './metadata-columns.ts';
import { VectorColumn } from './vector-column.ts';

/** Key of the file's metadata that tells readers which columns are the record's metadata. */
export const FILE_METADATA_KEY = 'embedstream';
/** Rows of a page of vectors. */
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

export interface EmbeddingColumnsOptions {
  readonly dimension: number;
  readonly withVectors: boolean;
  /** Takes the bytes of the file, one after the other. */
  readonly write: (bytes: Uint8Array) => void;
}

const text = (name: string, nullable = false): ColumnSchema => {
  return { name, type: PhysicalType.byteArray, meaning: 'string', nullable };
};

/**
 * The columns of one row group of embeddings. Which columns metadata gets is decided by the first row group and no more, so
 * that it does not depend on how the rows came: its metadata waits as it is on the wire.
 */
export class EmbeddingColumns {
  /** Rows of the open row group. */
  length = 0;
  readonly #options: EmbeddingColumnsOptions;
  readonly #vectors: VectorColumn | undefined;
  readonly #id = new Utf8Column({ bounds: true });
  readonly #contentHash = new Utf8Column();
  readonly #fingerprint = new Utf8Column();
  readonly #tokenCount = new Int32Column();
  readonly #truncated = new BoolColumn();
  readonly #createdAt = new Int64Column();
  readonly #offset = new Int64Column();
  readonly #text = new Utf8Column({ nullable: true });
  readonly #own: readonly ColumnSchema[];
  readonly #planner = new MetadataColumnPlanner();
  #waiting: Uint8Array[] = [];
  #plan: readonly MetadataColumnPlan[] = [];
  #metadata: MetadataColumns | undefined;

  constructor(options: EmbeddingColumnsOptions) {
    this.#options = options;
    const { dimension, withVectors, write } = options;
    this.#vectors = withVectors ? new VectorColumn(dimension, BATCH_ROWS, write) : undefined;
    this.#own = [
      text('id'),
      ...(withVectors ? [{ name: 'vector', type: 'vector' } as const] : []),
      text('contentHash'),
      text('fingerprint'),
      { name: 'tokenCount', type: PhysicalType.int32, nullable: false },
      { name: 'truncated', type: PhysicalType.boolean, nullable: false },
      { name: 'createdAt', type: PhysicalType.int64, nullable: false, meaning: 'timestamp-millis' },
      { name: 'offset', type: PhysicalType.int64, nullable: false },
      text('text', true),
    ];
  }

  /** Of the metadata; known once the first row group has ended. */
  get plan(): readonly MetadataColumnPlan[] {
    return this.#plan;
  }

  /** Known once the first row group has ended. */
  get schema(): readonly ColumnSchema[] {
    return [...this.#own, ...(this.#metadata?.schema ?? [])];
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
    this.#vectors?.append(scanner);
    if (this.#metadata === undefined) {
      this.#planner.add(scanner);
      this.#waiting.push(bytes.slice(scanner.metadataStart, scanner.metadataEnd));
    } else this.#metadata.append(scanner, this.length);
    this.length++;
    if (this.length % BATCH_ROWS === 0) this.#endBatch();
  }

  /** Writes what is left of the row group, which begins at `offset` of the file, and begins the next. */
  finish(offset: number): RowGroup {
    const rows = this.length;
    this.#metadata ??= this.#planned();
    const vectors = this.#vectors?.finish(offset);
    let at = offset + (vectors?.bytes ?? 0);
    const chunks = this.#flat().map((column): ColumnChunk => {
      const chunk = column.finish(at, this.#options.write);
      at += chunk.bytes;
      return chunk;
    });
    this.length = 0;
    // As in the schema: the vectors come first in the file, and second among the columns.
    if (vectors !== undefined) chunks.splice(1, 0, vectors);
    return { rows, chunks };
  }

  #endBatch(): void {
    this.#vectors?.endPage();
    for (const column of this.#flat()) column.endBatch();
  }

  #planned(): MetadataColumns {
    // `vector` is reserved also where there is none, so that both files of an npy shard name metadata alike.
    this.#plan = this.#planner.plan([...new Set([...this.#own.map(({ name }) => name), 'vector'])]);
    const columns = new MetadataColumns(this.#plan);
    const scanner = new EmbeddingScanner();
    for (const [row, bytes] of this.#waiting.entries()) {
      scanner.scanMetadata(bytes);
      columns.append(scanner, row);
    }
    this.#waiting = [];
    return columns;
  }

  #flat(): readonly FlatColumn[] {
    return [
      ...[this.#id, this.#contentHash, this.#fingerprint, this.#tokenCount, this.#truncated, this.#createdAt],
      ...[this.#offset, this.#text],
      ...(this.#metadata?.padded(this.length) ?? []),
    ];
  }
}
