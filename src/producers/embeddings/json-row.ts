import type { Metadata, MetadataValue } from '../../record/types.ts';
import { fault, type ImportFault, type ImportRow } from './row.ts';

const ID_FIELDS = ['object_id', 'id', '_id', 'record_id', 'uuid'];
const VECTOR_FIELDS = ['embedding', 'vector', 'values'];
const TEXT_FIELDS = ['text', 'document', 'content'];
const METADATA_FIELDS = ['metadata', 'payload'];
/** Of the row-aligned files that go with one .npy. */
const PARAGRAPH_FIELDS = ['paper_id', 'paragraph_index'];
const OWN_FIELDS = ['timestamp', 'model', 'dimension'];
/** Milliseconds from here on (1973), seconds below (until 5138). */
const LEAST_MS = 1e11;

export interface JsonRowOptions {
  /** For messages: the file. */
  readonly name: string;
  /** Fields of the id, joined as `first#second#…`; dotted paths. Left out: detected. */
  readonly id?: readonly string[] | undefined;
  /** Field of the text; a dotted path. Left out: detected. */
  readonly text?: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A row from its JSON: `{object_id, embedding, timestamp, model, dimension}`, `{id, vector, metadata}` and the like; all
 * other fields are metadata. `vector`: where it does not stand in the row itself (npy).
 */
export function jsonRow(
  bytes: Uint8Array,
  row: number,
  options: JsonRowOptions,
  vector?: Float32Array,
): ImportRow | ImportFault {
  const where = `${options.name}:${row}`;
  const refuse = (code: string, reason: string): ImportFault => fault(code, `${where}: ${reason}`, row, bytes);
  let text: string;
  let parsed: unknown;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return refuse('IMPORT_NOT_UTF8', 'it is not UTF-8: convert the file.');
  }
  try {
    parsed = JSON.parse(text);
  } catch {
    if (/[[,:]\s*-?(?:NaN|Infinity)\b/.test(text))
      return refuse(
        'IMPORT_NOT_FINITE',
        'it holds NaN or Infinity, which no vector search can compare: embed it anew.',
      );
    return refuse('IMPORT_BAD_JSON', 'it is not JSON, or cut.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return refuse('IMPORT_BAD_ROW', 'it is no JSON object.');
  return rowOfFields(parsed as Fields, row, options, { bytes, refuse, vector });
}

interface RowParts {
  readonly bytes: Uint8Array;
  readonly refuse: (code: string, reason: string) => ImportFault;
  readonly vector: Float32Array | undefined;
}

function rowOfFields(
  fields: Fields,
  row: number,
  options: JsonRowOptions,
  { bytes, refuse, vector: given }: RowParts,
): ImportRow | ImportFault {
  const idFields = options.id ?? detectId(fields);
  if (idFields === undefined)
    return refuse('IMPORT_NO_ID', `it has no id (${ID_FIELDS.join(', ')}): say which field it is with --id=FIELD.`);
  const id = idOf(fields, idFields);
  if (id === undefined)
    return refuse(
      'IMPORT_NO_ID',
      `its id (${idFields.join(', ')}) is missing, empty, or a number beyond 2^53, which must be written as text.`,
    );
  const vectorField = given === undefined ? VECTOR_FIELDS.find((field) => field in fields) : undefined;
  const vector = given ?? vectorOf(fields[vectorField ?? '']);
  if (vector === undefined)
    return refuse('IMPORT_BAD_VECTOR', `it has no array of numbers in ${VECTOR_FIELDS.join(', ')}.`);
  const textField = options.text ?? TEXT_FIELDS.find((field) => typeof fields[field] === 'string');
  const text = textField === undefined ? undefined : at(fields, textField);
  const { timestamp, model, dimension } = fields;
  const createdAt = timeOf(timestamp);
  const taken = new Set([...idFields.slice(0, options.id ? undefined : 1), vectorField, textField]);
  // Parts of a composed id say something by themselves.
  if (idFields.length > 1) for (const field of idFields) taken.delete(field);
  if (typeof model === 'string') taken.add('model');
  if (typeof dimension === 'number') taken.add('dimension');
  if (createdAt !== undefined) taken.add('timestamp');
  return {
    kind: 'row',
    id,
    vector,
    row,
    metadata: metadataOf(fields, taken),
    raw: () => bytes,
    ...(typeof model === 'string' && { model }),
    ...(typeof dimension === 'number' && { dimension }),
    ...(typeof text === 'string' && text !== '' && { text }),
    ...(createdAt !== undefined && { createdAt }),
  };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function detectId(fields: Fields): readonly string[] | undefined {
  const field = ID_FIELDS.find((name) => fields[name] !== undefined);
  if (field !== undefined) return [field];
  return PARAGRAPH_FIELDS.every((name) => fields[name] !== undefined) ? PARAGRAPH_FIELDS : undefined;
}

/** Numbers as they are written, as long as JSON can tell them apart. */
function idOf(fields: Fields, names: readonly string[]): string | undefined {
  const parts = names.map((name) => {
    const value = at(fields, name);
    if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  });
  return parts.includes(undefined) ? undefined : parts.join('#');
}

/** null and text are no numbers; what is too large for a float32 becomes infinity, which is refused later. */
function vectorOf(value: unknown): Float32Array | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: readonly unknown[] = value;
  return numbers.every((number) => typeof number === 'number') ? Float32Array.from(numbers) : undefined;
}

function at(fields: Fields, path: string): unknown {
  if (path in fields) return fields[path];
  let value: unknown = fields;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Fields)[name];
  }
  return value;
}

/** undefined also for what is no time: it then stays metadata. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0)
    return Math.round(value < LEAST_MS ? value * 1000 : value);
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) || time < 0 ? undefined : time;
}

function metadataOf(fields: Fields, taken: ReadonlySet<string | undefined>): Metadata {
  const metadata = new Map<string, MetadataValue>();
  for (const [key, value] of Object.entries(fields)) {
    if (taken.has(key)) continue;
    const isNested = METADATA_FIELDS.includes(key) && isObject(value);
    if (isNested) for (const [inner, each] of Object.entries(value)) add(metadata, inner, each, taken);
    else add(metadata, key, value, taken);
  }
  return metadata;
}

/** Objects become dotted names, arrays JSON text. */
function add(
  metadata: Map<string, MetadataValue>,
  key: string,
  value: unknown,
  taken: ReadonlySet<string | undefined>,
): void {
  if (taken.has(key) && !OWN_FIELDS.includes(key)) return;
  if (isObject(value)) for (const [inner, each] of Object.entries(value)) add(metadata, `${key}.${inner}`, each, taken);
  else if (Array.isArray(value)) metadata.set(key, JSON.stringify(value));
  else metadata.set(key, value as MetadataValue);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
