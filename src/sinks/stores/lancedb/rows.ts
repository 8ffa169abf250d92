import type { FixedSizeList, Float32, Schema, Table as ArrowTable } from 'apache-arrow';
import type { Loaded } from './load.ts';
import { poisonError, type PipelineError } from '../../../errors.ts';
import type { Embedding } from '../../../record/types.ts';
import { metadataJson } from '../elasticsearch/document-json.ts';
import type { EmbeddingChange } from '../port.ts';

export interface LanceRow {
  readonly offset: number;
  readonly embedding: Embedding;
}

/** A table's columns: the vector as `fixed_size_list<float>[D]`, metadata as one JSON object. */
export function schemaOf(arrow: Loaded['arrow'], dimension: number): Schema {
  const { Field, Int64, Schema: ArrowSchema, TimestampMillisecond, Utf8 } = arrow;
  return new ArrowSchema([
    new Field('id', new Utf8(), false),
    new Field('vector', vectorType(arrow, dimension), false),
    new Field('text', new Utf8(), true),
    new Field('metadata', new Utf8(), false),
    new Field('fingerprint', new Utf8(), false),
    new Field('created_at', new TimestampMillisecond(), false),
    new Field('log_offset', new Int64(), false),
  ]);
}

function vectorType({ Field, FixedSizeList, Float32 }: Loaded['arrow'], dimension: number): FixedSizeList<Float32> {
  return new FixedSizeList(dimension, new Field('item', new Float32(), true));
}

export function tableOf(arrow: Loaded['arrow'], schema: Schema, rows: readonly LanceRow[]): ArrowTable {
  const { Float32, Int64, makeData, RecordBatch, Struct, Table, TimestampMillisecond, Utf8, vectorFromArray } = arrow;
  const length = rows.length;
  const dimension = rows[0]?.embedding.vector.length ?? 0;
  const floats = new Float32Array(length * dimension);
  for (const [i, { embedding }] of rows.entries()) floats.set(embedding.vector, i * dimension);
  const texts = (of: (row: LanceRow) => string | null) => vectorFromArray(rows.map(of), new Utf8()).data[0];
  const numbers = (of: (row: LanceRow) => number) => BigInt64Array.from(rows, (row) => BigInt(of(row)));
  const child = makeData({ type: new Float32(), length: floats.length, nullCount: 0, data: floats });
  const children = [
    texts(({ embedding }) => embedding.recordId),
    makeData({ type: vectorType(arrow, dimension), length, nullCount: 0, child }),
    texts(({ embedding }) => embedding.text ?? null),
    texts(({ embedding }) => metadataJson(embedding.metadata)),
    texts(({ embedding }) => embedding.fingerprint),
    makeData({ type: new TimestampMillisecond(), length, data: numbers(({ embedding }) => embedding.createdAt) }),
    makeData({ type: new Int64(), length, data: numbers(({ offset }) => offset) }),
  ].filter((each) => each !== undefined);
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return new Table(schema, [new RecordBatch(schema, data)]);
}

/** What is wrong with a change itself. */
export function changeFault({ id, embedding }: EmbeddingChange, dimension: number): PipelineError | undefined {
  if (embedding === null) return undefined;
  const { vector } = embedding;
  const named = `The vector of ${JSON.stringify(id)}`;
  if (vector.length !== dimension)
    return poisonError('LANCEDB_DIMENSION', `${named} has ${vector.length} numbers, not ${dimension}.`);
  for (const value of vector)
    if (!Number.isFinite(value))
      return poisonError('LANCEDB_NUMBER', `${named} holds ${value}: no search would find it.`);
  return undefined;
}
