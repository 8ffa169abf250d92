import { readFile } from 'node:fs/promises';
import { failureOutcome, poisonError, type PipelineError } from '../../errors.ts';
import { decompressedHead, openBytes, type ImportFile } from './import-file.ts';
import type { JsonRowOptions } from './json-row.ts';
import { rowOf, wholeFile } from './jsonl-reader.ts';
import { splitLines } from './lines.ts';
import { npyForm, npyVectors, type NpyForm } from './npy-stream.ts';
import { openParquetRows } from './parquet-reader.ts';
import type { ImportBatch, ImportFault, ImportReader, ImportRow } from './row.ts';

/** What goes with a .npy file. */
export interface NpyCompanions {
  /** What its rows are: JSON Lines or Parquet, row for row. */
  readonly rows: ImportFile;
  readonly rowsAreParquet: boolean;
  /** `{model_name, embedding_dim, num_paragraphs, …}` */
  readonly description?: ImportFile | undefined;
}

const MAX_DESCRIPTION_BYTES = 1024 * 1024;

/** A .npy file of (N, D) with the file that says what its rows are. Errors: IMPORT_NPY, IMPORT_NPY_ROWS (poison). */
export async function openNpy(
  file: ImportFile,
  { rows, rowsAreParquet, description }: NpyCompanions,
  options: Omit<JsonRowOptions, 'name'>,
): Promise<ImportReader> {
  const form = npyForm(await decompressedHead(file), file.name);
  const parquet = rowsAreParquet ? await openParquetRows(rows, options) : undefined;
  const count = parquet?.rows ?? (await countLines(rows));
  if (count !== form.rows)
    throw poisonError(
      'IMPORT_NPY_ROWS',
      `${file.name} has ${form.rows} vectors, but ${rows.name} has ${count} rows: nobody can tell which belong together.`,
    );
  const described = description === undefined ? {} : await readDescription(description, form);
  return {
    format: `npy with ${rowsAreParquet ? 'Parquet' : 'JSON Lines'}`,
    dimension: form.dimension,
    ...(parquet?.model !== undefined && { model: parquet.model }),
    ...described,
    read: () => readPairs(file, form, parquet ? parquet.withVectors : linesWithVectors(rows, options)),
  };
}

type WithVectors = (next: () => Promise<Float32Array | undefined>) => AsyncIterable<(ImportRow | ImportFault)[]>;

/** The lines of a file, each with the next vector. */
function linesWithVectors(rows: ImportFile, options: Omit<JsonRowOptions, 'name'>): WithVectors {
  return async function* (next) {
    for await (const lines of splitLines(await openBytes(rows))) {
      const batch: (ImportRow | ImportFault)[] = [];
      for (const line of lines) {
        const vector = await next();
        if (vector === undefined) break;
        batch.push(rowOf(line, { ...options, name: rows.name }, vector));
      }
      yield batch;
    }
  };
}

async function* readPairs(file: ImportFile, form: NpyForm, rowsWith: WithVectors): AsyncGenerator<ImportBatch> {
  const bytes = await openBytes(file);
  const vectors = new VectorQueue(npyVectors(bytes, form), form.dimension);
  try {
    for await (const rows of rowsWith(() => vectors.next())) yield { rows, bytesRead: bytes.bytesRead() };
    if (vectors.taken < form.rows)
      throw poisonError(
        'IMPORT_TRUNCATED',
        `${file.name} ends after ${vectors.taken} of its ${form.rows} vectors. Those were imported; bring the whole file.`,
      );
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    yield { rows: [wholeFile(error as PipelineError, vectors.taken + 1)], bytesRead: bytes.bytesRead() };
  } finally {
    await vectors.close();
  }
}

/** One vector at a time out of blocks of them. */
class VectorQueue {
  taken = 0;
  #block = new Float32Array(0);
  #at = 0;
  readonly #blocks: AsyncGenerator<Float32Array>;
  readonly #dimension: number;

  constructor(blocks: AsyncGenerator<Float32Array>, dimension: number) {
    this.#blocks = blocks;
    this.#dimension = dimension;
  }

  async next(): Promise<Float32Array | undefined> {
    while (this.#at >= this.#block.length) {
      const block = await this.#blocks.next();
      if (block.done === true) return undefined;
      this.#block = block.value as Float32Array<ArrayBuffer>;
      this.#at = 0;
    }
    const vector = this.#block.subarray(this.#at, this.#at + this.#dimension);
    this.#at += this.#dimension;
    this.taken++;
    return vector;
  }

  async close(): Promise<void> {
    await this.#blocks.return(undefined);
  }
}

async function countLines(file: ImportFile): Promise<number> {
  let count = 0;
  for await (const lines of splitLines(await openBytes(file), 1024)) count += lines.length;
  return count;
}

async function readDescription(
  file: ImportFile,
  form: NpyForm,
): Promise<{ readonly model?: string; readonly dimension?: number }> {
  if (file.bytes > MAX_DESCRIPTION_BYTES) return {};
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(await readFile(file.path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw poisonError('IMPORT_BAD_JSON', `${file.name} is no JSON: mend it, or take it away.`, cause);
  }
  const { model_name: model, embedding_dim: dimension, num_paragraphs: count } = fields;
  if (typeof count === 'number' && count !== form.rows)
    throw poisonError('IMPORT_NPY_ROWS', `${file.name} says ${count} rows, but there are ${form.rows} vectors.`);
  if (typeof dimension === 'number' && dimension !== form.dimension)
    throw poisonError(
      'IMPORT_DIMENSION',
      `${file.name} says ${dimension} dimensions, but the vectors have ${form.dimension}.`,
    );
  return typeof model === 'string' ? { model } : {};
}
