import { DataType, type RecordBatch, type Vector } from 'apache-arrow';
import type { Metadata, MetadataValue } from '../../record/types.ts';
import { timeOf } from './json-row.ts';
import type { ImportRow } from './row.ts';

const ID_COLUMNS = ['id', 'object_id', '_id', 'record_id', 'uuid'];
const VECTOR_COLUMNS = ['vector', 'embedding', 'embeddings', 'values'];
const TEXT_COLUMNS = ['text', 'document', 'content'];
const PARAGRAPH_COLUMNS = ['paper_id', 'paragraph_index'];
const TIME_COLUMNS = ['createdAt', 'timestamp'];
/** Of our own files, beside the metadata. */
const OWN_COLUMNS = ['contentHash', 'fingerprint', 'tokenCount', 'truncated', 'createdAt', 'offset'];
/** Metadata of our own files that has no column of its own, as JSON. */
const OTHER_COLUMN = 'metadata_other';

/** What our own Parquet files say of their columns. */
export interface OwnMetadata {
  readonly model: string;
  readonly dimension: number;
  readonly metadata: readonly { readonly key: string; readonly column: string }[];
}

export interface ColumnPlan {
  readonly id: readonly string[];
  /** Left out where the vectors are in another file. */
  readonly vector?: string;
  readonly text?: string;
  readonly createdAt?: string;
  readonly isOwn: boolean;
  /** [key, column] */
  readonly metadata: readonly (readonly [string, string])[];
}

/** What is which column; the name of what is missing otherwise. */
export function planColumns(
  columns: readonly { readonly name: string; readonly type: DataType }[],
  options: { readonly id?: readonly string[] | undefined; readonly text?: string | undefined },
  own: OwnMetadata | undefined,
  withVector: boolean,
): ColumnPlan | 'id' | 'vector' {
  const has = (name: string): boolean => columns.some((column) => column.name === name);
  const id = options.id ?? firstOf(ID_COLUMNS, has) ?? (PARAGRAPH_COLUMNS.every(has) ? PARAGRAPH_COLUMNS : undefined);
  if (id?.every(has) !== true) return 'id';
  const lists = columns.filter(({ type }) => isList(type)).map(({ name }) => name);
  const vector = VECTOR_COLUMNS.find((name) => lists.includes(name)) ?? (lists.length === 1 ? lists[0] : undefined);
  if (withVector && vector === undefined) return 'vector';
  const text = options.text ?? TEXT_COLUMNS.find(has);
  const createdAt = TIME_COLUMNS.find(has);
  const taken = new Set<string | undefined>([vector, text, createdAt, OTHER_COLUMN, ...(own ? OWN_COLUMNS : [])]);
  if (id.length === 1) taken.add(id[0]);
  const metadata =
    own?.metadata.map(({ key, column }) => [key, column] as const) ??
    columns
      .map(({ name }) => name)
      .filter((name) => !taken.has(name) && !['model', 'dimension'].includes(name))
      .map((name) => [name, name] as const);
  return {
    id,
    ...(withVector && vector !== undefined && { vector }),
    ...(text !== undefined && has(text) && { text }),
    ...(createdAt !== undefined && { createdAt }),
    isOwn: own !== undefined,
    metadata: metadata.filter(([, column]) => has(column)),
  };
}

/** Row `i` of a batch, without its vector; the reason where it has none. */
export function rowReader(
  batch: RecordBatch,
  plan: ColumnPlan,
): (i: number) => Omit<ImportRow, 'vector' | 'row'> | undefined {
  const columnOf = (name: string | undefined): Vector | undefined =>
    name === undefined ? undefined : (batch.getChild(name) ?? undefined);
  const ids = plan.id.map(columnOf);
  const [text, createdAt, model, dimension] = [plan.text, plan.createdAt, 'model', 'dimension'].map(columnOf);
  const metadata = plan.metadata.map(([key, name]) => [key, columnOf(name)] as const);
  const own = plan.isOwn ? OWN_COLUMNS.map((name) => [name, columnOf(name)] as const) : [];
  const other = plan.isOwn ? columnOf(OTHER_COLUMN) : undefined;
  return (i) => {
    const parts = ids.map((column) => idText(column?.get(i)));
    if (parts.includes(undefined)) return undefined;
    const id = parts.join('#');
    const [textAt, modelAt, dimensionAt]: unknown[] = [text, model, dimension].map((column): unknown => column?.get(i));
    const time = timeOf(plain(createdAt?.get(i)));
    const ownFields = own
      .filter(([name]) => name !== 'createdAt')
      .map(([name, column]) => [name, plain(column?.get(i))] as const)
      .filter(([, value]) => value !== undefined && value !== null);
    return {
      kind: 'row',
      id,
      metadata: metadataAt(metadata, other, i),
      raw: () => Buffer.from(JSON.stringify({ id })),
      ...(typeof textAt === 'string' && textAt !== '' && { text: textAt }),
      ...(typeof modelAt === 'string' && { model: modelAt }),
      ...(typeof plain(dimensionAt) === 'number' && { dimension: plain(dimensionAt) as number }),
      ...(time !== undefined && { createdAt: time }),
      ...(Object.fromEntries(ownFields) as Partial<ImportRow>),
    };
  };
}

function metadataAt(
  columns: readonly (readonly [string, Vector | undefined])[],
  other: Vector | undefined,
  i: number,
): Metadata {
  const metadata = new Map<string, MetadataValue>();
  for (const [key, column] of columns) {
    const value = metadataValue(column?.get(i));
    if (value !== null) metadata.set(key, value);
  }
  const rest: unknown = other?.get(i);
  if (typeof rest === 'string')
    for (const [key, value] of Object.entries(JSON.parse(rest) as Record<string, MetadataValue>))
      metadata.set(key, value);
  return metadata;
}

function metadataValue(value: unknown): MetadataValue {
  const narrow = plain(value);
  if (narrow === undefined || narrow === null) return null;
  if (typeof narrow === 'object') return JSON.stringify(narrow, (_key, inner: unknown) => plain(inner));
  return narrow as MetadataValue;
}

/** int64 columns come as bigint, times as Date. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function idText(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function firstOf(names: readonly string[], has: (name: string) => boolean): string[] | undefined {
  const name = names.find(has);
  return name === undefined ? undefined : [name];
}

function isList(type: DataType): boolean {
  return (
    (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) &&
    DataType.isFloat((type as { readonly children: readonly { readonly type: DataType }[] }).children[0]?.type)
  );
}

/** The vector of row `i`, a copy of its own; undefined where it or one of its numbers is null. */
export function vectorReader(batch: RecordBatch, name: string): (i: number) => Float32Array | undefined {
  const column = batch.getChild(name);
  return (i) => {
    const list = column?.get(i) as Vector | null | undefined;
    if (list === null || list === undefined || list.nullCount > 0) return undefined;
    // float16 columns come as their bits only through the array; the elements themselves are numbers.
    const values: unknown = list.toArray();
    return values instanceof Float32Array || values instanceof Float64Array
      ? Float32Array.from(values)
      : Float32Array.from(list as Iterable<number>);
  };
}
