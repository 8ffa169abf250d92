import { tableFromIPC, type RecordBatch } from 'apache-arrow';
import { failureOutcome, messageOf, poisonError, type PipelineError } from '../../errors.ts';
import type { ImportFile } from './import-file.ts';
import { wholeFile } from './jsonl-reader.ts';
import { planColumns, rowReader, vectorReader, type ColumnPlan, type OwnMetadata } from './parquet-columns.ts';
import { ParquetThread } from './parquet-thread.ts';
import { fault, type ImportBatch, type ImportFault, type ImportReader, type ImportRow } from './row.ts';

/** Of our own Parquet files. */
const OWN_METADATA_KEY = 'embedstream';
/** A row group lies in memory as a whole, some five times over (measured: 1.4 GB of 300 MB). */
const MAX_ROW_GROUP_BYTES = 160 * 1024 ** 2;

export interface ParquetOptions {
  readonly id?: readonly string[] | undefined;
  readonly text?: string | undefined;
}

/** Parquet with a column of lists or fixed-size lists of floats; our own too. Errors: IMPORT_PARQUET (poison). */
export async function openParquetVectors(file: ImportFile, options: ParquetOptions): Promise<ImportReader> {
  const parquet = await openFile(file, options, true);
  return {
    format: 'Parquet',
    ...(parquet.own && { model: parquet.own.model, dimension: parquet.own.dimension }),
    read: () => readVectors(parquet),
  };
}

export interface ParquetRows {
  readonly rows: number;
  readonly model?: string;
  /** The rows, each with the next vector, until there is none. */
  readonly withVectors: (next: () => Promise<Float32Array | undefined>) => AsyncIterable<(ImportRow | ImportFault)[]>;
}

/** Parquet that says what the rows of a matrix are. Errors: IMPORT_PARQUET (poison). */
export async function openParquetRows(file: ImportFile, options: ParquetOptions): Promise<ParquetRows> {
  const parquet = await openFile(file, options, false);
  return {
    rows: parquet.rows,
    ...(parquet.own && { model: parquet.own.model }),
    withVectors: async function* (next) {
      let row = 0;
      for await (const { batch } of batches(parquet)) {
        const read = rowReader(batch, parquet.plan);
        const rows: (ImportRow | ImportFault)[] = [];
        for (let i = 0; i < batch.numRows; i++) {
          const vector = await next();
          row++;
          if (vector === undefined) break;
          rows.push(joined(read(i), vector, row, file.name));
        }
        yield rows;
      }
    },
  };
}

/**
 * Ids and offsets of one of our own shards, nothing where it is none. Errors: IMPORT_PARQUET (poison).
 */
export async function* readOwnVersions(
  file: ImportFile,
): AsyncGenerator<{ readonly id: string; readonly offset: number }> {
  const parquet = await openFile(file, {}, false);
  if (parquet.own === undefined) return;
  for await (const { batch } of batches(parquet, ['id', 'offset'])) {
    const [ids, offsets] = [batch.getChild('id'), batch.getChild('offset')];
    for (let i = 0; i < batch.numRows; i++) yield { id: String(ids?.get(i)), offset: Number(offsets?.get(i)) };
  }
}

interface OpenParquet {
  readonly file: ImportFile;
  readonly rows: number;
  readonly own: OwnMetadata | undefined;
  readonly plan: ColumnPlan;
}

async function openFile(file: ImportFile, options: ParquetOptions, withVector: boolean): Promise<OpenParquet> {
  const thread = new ParquetThread(file.path, file.name);
  try {
    const { rows, rowGroupBytes, own: json, schema } = await thread.footer(OWN_METADATA_KEY);
    const largest = Math.max(0, ...rowGroupBytes);
    if (largest > MAX_ROW_GROUP_BYTES) throw tooLarge(file.name, largest);
    const own = json === undefined ? undefined : (JSON.parse(json) as OwnMetadata);
    const plan = planColumns(tableFromIPC(schema).schema.fields, options, own, withVector);
    if (typeof plan === 'string') throw missing(file.name, plan);
    return { file, rows, own, plan };
  } catch (error) {
    throw unreadable(file.name, error);
  } finally {
    // It may never be read.
    await thread.close();
  }
}

async function* readVectors(parquet: OpenParquet): AsyncGenerator<ImportBatch> {
  const { file, plan } = parquet;
  let row = 0;
  let bytesRead = 0;
  try {
    for await (const { batch, doneShare } of batches(parquet)) {
      const read = rowReader(batch, plan);
      const vectorOf = vectorReader(batch, plan.vector ?? '');
      const rows: (ImportRow | ImportFault)[] = [];
      for (let i = 0; i < batch.numRows; i++) rows.push(joined(read(i), vectorOf(i), ++row, file.name));
      bytesRead = Math.floor(file.bytes * doneShare);
      yield { rows, bytesRead };
    }
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    yield { rows: [wholeFile(error as PipelineError, row + 1)], bytesRead };
  }
}

function joined(
  row: Omit<ImportRow, 'vector' | 'row'> | undefined,
  vector: Float32Array | undefined,
  number: number,
  name: string,
): ImportRow | ImportFault {
  const where = `${name}: row ${number}`;
  if (row === undefined)
    return fault('IMPORT_NO_ID', `${where} has no id.`, number, Buffer.from(JSON.stringify({ row: number })));
  if (vector === undefined)
    return fault('IMPORT_BAD_VECTOR', `${where} has no vector, or nulls in it.`, number, row.raw());
  return { ...row, vector, row: number };
}

async function* batches(
  { file, rows }: OpenParquet,
  columns?: readonly string[],
): AsyncGenerator<{ batch: RecordBatch; doneShare: number }> {
  const thread = new ParquetThread(file.path, file.name);
  let done = 0;
  try {
    for (;;) {
      const bytes = await thread.next(columns);
      if (bytes === undefined) return;
      for (const batch of tableFromIPC(bytes).batches) {
        done += batch.numRows;
        yield { batch, doneShare: done / Math.max(1, rows) };
      }
    }
  } catch (error) {
    throw unreadable(file.name, error);
  } finally {
    await thread.close();
  }
}

function missing(name: string, what: 'id' | 'vector'): PipelineError {
  return poisonError(
    'IMPORT_PARQUET',
    what === 'id'
      ? `${name} has no column of ids: say which with --id=COLUMN.`
      : `${name} has no column "vector" or "embedding" of lists of floats.`,
  );
}

function tooLarge(name: string, bytes: number): PipelineError {
  const size = `${Math.round(bytes / 1024 ** 2)} MiB`;
  return poisonError(
    'IMPORT_ROW_GROUP',
    `${name} has a row group of ${size}, which would lie in memory as a whole; ${MAX_ROW_GROUP_BYTES / 1024 ** 2} MiB are ` +
      'the most. Write it again with smaller ones (pyarrow: row_group_size=50000).',
  );
}

/** What a reader says of a file that is there is about its content. */
function unreadable(name: string, error: unknown): unknown {
  if (error instanceof Error && error.name === 'PipelineError') return error;
  return poisonError('IMPORT_PARQUET', `${name} can't be read as Parquet: ${messageOf(error)}.`, error);
}
