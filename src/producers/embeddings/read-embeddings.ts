import { poisonError, UsageError } from '../../errors.ts';
import type { Metadata } from '../../record/types.ts';
import { faultOf, isModel, wrongDimension, wrongModel, type Expectation } from './check-row.ts';
import { ImportSet, type ImportUnit } from './import-set.ts';
import { openReader } from './open-reader.ts';
import type { ImportFault, ImportReader, ImportRow } from './row.ts';
import { ShardVersions } from './shard-versions.ts';

/** What the files must be of; left out: of whatever the first row is. */
export interface ReadEmbeddingsOptions {
  readonly model?: string;
  readonly dimension?: number;
}

/** An embedding out of a file; what the file does not say is left out. */
export interface FileEmbedding {
  readonly id: string;
  /** (D,) float32. */
  readonly vector: Float32Array;
  readonly text?: string;
  readonly metadata: Metadata;
  readonly model?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
}

/**
 * JSON Lines `{object_id, embedding, timestamp, model, dimension}`, or with other names that `import` knows; `.gz` and
 * `.zst` too. Of a folder of batches, the latest embedding of each id that was not deleted.
 * Errors (of all readers here): IMPORT_… with the file and the line, UsageError where there is no such path.
 */
export function readJsonl(path: string, options: ReadEmbeddingsOptions = {}): AsyncGenerator<FileEmbedding> {
  return readForms(path, ['JSON Lines'], options);
}

/** JSON v1.0, `{version, model, dimensions, count, created, embeddings}`, as a stream; another version is an error. */
export function readJson(path: string, options: ReadEmbeddingsOptions = {}): AsyncGenerator<FileEmbedding> {
  return readForms(path, ['JSON v1.0'], options);
}

/** A vector store's `{id, vector, metadata}`, as a list or as lines. */
export function readVectorStore(path: string, options: ReadEmbeddingsOptions = {}): AsyncGenerator<FileEmbedding> {
  return readForms(path, ["vector store's JSON", 'JSON Lines'], options);
}

/** One `.npy` of (N, D) with its row-aligned `.jsonl`, and `.metadata.json` where there is one. */
export function readNpySingle(path: string, options: ReadEmbeddingsOptions = {}): AsyncGenerator<FileEmbedding> {
  return readForms(path, ['npy with JSON Lines'], options);
}

async function* readForms(
  path: string,
  forms: readonly string[],
  options: ReadEmbeddingsOptions,
): AsyncGenerator<FileEmbedding> {
  const set = new ImportSet([path]);
  try {
    const versions = await ShardVersions.read(set);
    const check = new Check(options);
    for await (const unit of set.units()) {
      if (unit.kind === 'fault') throw asError(unit.fault);
      if (unit.kind !== 'file' && unit.kind !== 'npy') continue;
      const reader = await readerOf(unit, forms);
      if (reader === undefined) continue;
      check.head(reader, unit.file.name);
      for await (const { rows } of reader.read())
        for (const row of rows) {
          if (row.kind === 'fault') throw asError(row);
          check.row(row, unit.file.name);
          if (versions.isLast(row.id, row.offset)) yield embeddingOf(row);
        }
    }
  } finally {
    await set.dispose();
  }
}

/** undefined: what lies in a folder beside them. */
async function readerOf(
  unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>,
  forms: readonly string[],
): Promise<ImportReader | undefined> {
  const reader = await openReader(unit, {});
  if (reader !== undefined && forms.includes(reader.format)) return reader;
  if (!unit.file.isNamed) return undefined;
  throw new UsageError(`${unit.file.name} is ${reader?.format ?? 'no file of embeddings'}, not ${forms.join(' or ')}.`);
}

class Check {
  #expected: Partial<Expectation>;

  constructor({ model, dimension }: ReadEmbeddingsOptions) {
    this.#expected = { ...(model !== undefined && expectModel(model)), dimension };
  }

  head({ model, dimension }: ImportReader, name: string): void {
    const { names, model: wanted = '', dimension: expected } = this.#expected;
    if (model !== undefined && names !== undefined && !isModel(model, { names }))
      throw poisonError('IMPORT_MODEL', `${name}: ${wrongModel(model, wanted)}`);
    if (model !== undefined && names === undefined) this.#expected = { ...this.#expected, ...expectModel(model) };
    if (dimension === undefined) return;
    if (expected !== undefined && dimension !== expected)
      throw poisonError('IMPORT_DIMENSION', `${name}: ${wrongDimension(dimension, expected)}`);
    this.#expected = { ...this.#expected, dimension };
  }

  row(row: ImportRow, name: string): void {
    if (this.#expected.names === undefined && row.model !== undefined)
      this.#expected = { ...this.#expected, ...expectModel(row.model) };
    const { model = '', names = new Set([(row.model ?? '').toLowerCase()]), dimension } = this.#expected;
    const wrong = faultOf(row, name, { model, names, dimension });
    if (wrong !== undefined) throw asError(wrong);
    this.#expected = { ...this.#expected, dimension: dimension ?? row.vector.length };
  }
}

function expectModel(model: string): Pick<Expectation, 'model' | 'names'> {
  return { model, names: new Set([model.toLowerCase()]) };
}

function asError({ code, reason }: ImportFault): Error {
  return poisonError(code, reason);
}

function embeddingOf({ id, vector, text, metadata, model, createdAt }: ImportRow): FileEmbedding {
  return {
    ...{ id, vector, metadata },
    ...(text !== undefined && { text }),
    ...(model !== undefined && { model }),
    ...(createdAt !== undefined && { createdAt }),
  };
}
