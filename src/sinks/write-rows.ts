import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { withFileFaults } from './file-fault.ts';
import type { ShardRows, ShardWriter } from './port.ts';
import { syncFolder } from './publish.ts';
import type { VectorDtype } from './shard-encoder.ts';
import { createShardFormat } from './worker-format.ts';
import { createCodec } from '../codec/create-codec.ts';
import { UsageError } from '../errors.ts';
import {
  ZERO_FINGERPRINT,
  type ContentHash,
  type Embedding,
  type Metadata,
  type MetadataValue,
  type RecordId,
} from '../record/types.ts';

/** What a row needs, and what it may have. */
export interface WritableRow {
  readonly id: string;
  /** (D,) */
  readonly vector: Float32Array;
  readonly text?: string;
  readonly metadata?: Metadata | Readonly<Record<string, MetadataValue>>;
  readonly contentHash?: string;
  readonly fingerprint?: string;
  readonly tokenCount?: number;
  readonly truncated?: boolean;
  /** Milliseconds since the epoch. Default 0. */
  readonly createdAt?: number;
}

export interface WriteRowsOptions {
  /** Written to the file for readers. */
  readonly model?: string;
}

export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

type Rows = Iterable<WritableRow> | AsyncIterable<WritableRow>;

const WRITE_ROWS = 512;

/**
 * Writes rows to one Parquet file, a row group in memory at a time; the file appears, or is replaced, at once.
 * Errors: UsageError (no rows, vectors of different lengths), FILE_SINK_DISK_FULL, FILE_SINK_IO.
 */
export function writeParquet(path: string, rows: Rows, options: WriteRowsOptions = {}): Promise<WrittenFile> {
  return writeRows(path, rows, { ...options, format: 'parquet', dtype: 'fp32' });
}

/** The same to a `.npy` file of (N, D) and the `.metadata.parquet` beside it. */
export function writeNpy(
  path: string,
  rows: Rows,
  options: WriteRowsOptions & { readonly dtype?: VectorDtype } = {},
): Promise<WrittenFile> {
  return writeRows(path, rows, { dtype: 'fp32', ...options, format: 'npy' });
}

type AllOptions = WriteRowsOptions & { readonly format: 'parquet' | 'npy'; readonly dtype: VectorDtype };

async function writeRows(path: string, rows: Rows, options: AllOptions): Promise<WrittenFile> {
  const extension = `.${options.format}`;
  const target = resolve(path);
  if (!target.endsWith(extension)) throw new UsageError(`The name of ${path} must end with ${extension}.`);
  const folder = dirname(target);
  const stagingFolder = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  const format = createShardFormat(options);
  await withFileFaults(`Making ${stagingFolder}`, () => mkdir(stagingFolder, { recursive: true }));
  try {
    let writer: ShardWriter | undefined;
    let count = 0;
    for await (const { encoded, dimension } of encodedRows(rows, options)) {
      writer ??= await format.open({ stagingFolder, dimension, model: options.model ?? '' });
      count += encoded.offsets.length;
      await writer.write(encoded);
    }
    if (writer === undefined) throw new UsageError(`There are no rows to write to ${path}.`);
    const { files } = await writer.finish(basename(target, extension));
    for (const file of files) {
      await withFileFaults(`Publishing ${target}`, () => rename(file.stagedPath, join(folder, file.name)));
    }
    await syncFolder(folder);
    const main = files.at(-1);
    return { path: target, rows: count, bytes: main?.bytes ?? 0, sha256: main?.sha256 ?? '' };
  } finally {
    await format.close();
    await rm(stagingFolder, { recursive: true, force: true });
  }
}

/** Rows as they would be on the log: the encoders know no other form. */
async function* encodedRows(
  rows: Rows,
  { model = '' }: AllOptions,
): AsyncGenerator<{ readonly encoded: ShardRows; readonly dimension: number }> {
  const codec = createCodec();
  let values: Uint8Array[] = [];
  let first = 0;
  let dimension = 0;
  const flush = (): { encoded: ShardRows; dimension: number } => {
    const starts = new Uint32Array(values.length + 1);
    for (const [i, value] of values.entries()) starts[i + 1] = (starts[i] ?? 0) + value.length;
    const bytes = new Uint8Array(starts[values.length] ?? 0);
    for (const [i, value] of values.entries()) bytes.set(value, starts[i]);
    const offsets = Float64Array.from(values, (_, i) => first + i);
    first += values.length;
    values = [];
    return { encoded: { offsets, bytes, starts }, dimension };
  };
  for await (const row of rows) {
    if (dimension === 0) dimension = row.vector.length;
    if (row.vector.length === 0 || row.vector.length !== dimension) {
      const what = `The vector of "${row.id}" has ${row.vector.length} numbers, the first one has ${dimension}.`;
      throw new UsageError(what);
    }
    values.push(codec.encodeEmbedding(embeddingOf(row, model)));
    if (values.length === WRITE_ROWS) yield flush();
  }
  if (values.length > 0) yield flush();
}

function embeddingOf(row: WritableRow, model: string): Embedding {
  return {
    recordId: row.id as RecordId,
    model,
    fingerprint: (row.fingerprint ?? ZERO_FINGERPRINT) as Embedding['fingerprint'],
    dimension: row.vector.length,
    contentHash: (row.contentHash ?? '0'.repeat(64)) as ContentHash,
    tokenCount: row.tokenCount ?? 0,
    truncated: row.truncated ?? false,
    createdAt: row.createdAt ?? 0,
    metadata: metadataOf(row.metadata),
    vector: row.vector,
    ...(row.text === undefined ? {} : { text: row.text }),
  };
}

function metadataOf(metadata: WritableRow['metadata'] = {}): Metadata {
  return metadata instanceof Map ? metadata : new Map(Object.entries(metadata));
}
