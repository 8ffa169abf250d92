import { parseExactly } from '../../record/exact-json.ts';
import { type ArrayEntry, parseArrayText } from './array-text.ts';

/** How the text of a value is to be understood. What is not told apart (uuid, enum, interval …) is text. */
export type ValueKind =
  'boolean' | 'whole' | 'float' | 'numeric' | 'json' | 'timestamp' | 'timestamptz' | 'padded' | 'bytes' | 'text';

export interface ColumnType {
  readonly kind: ValueKind;
  readonly isArray: boolean;
}

/** Object ids of types that every server has. Source: src/include/catalog/pg_type.dat of Postgres. */
const KINDS: Readonly<Record<number, ValueKind>> = {
  16: 'boolean',
  17: 'bytes',
  20: 'whole',
  21: 'whole',
  23: 'whole',
  26: 'whole',
  114: 'json',
  700: 'float',
  701: 'float',
  1042: 'padded',
  1114: 'timestamp',
  1184: 'timestamptz',
  1700: 'numeric',
  3802: 'json',
};
/** A double tells as many decimal digits apart. */
const DOUBLE_DIGITS = 15;

export function kindOfType(oid: number): ValueKind {
  return KINDS[oid] ?? 'text';
}

/**
 * The value that a JSON reader would have of the same thing: `fieldText` and `Flattener` take it from here. Numbers that a
 * double can't hold keep their digits.
 */
export function valueOf(text: string | null, { kind, isArray }: ColumnType): unknown {
  if (text === null) return null;
  if (!isArray) return scalarOf(text, kind);
  const entries = parseArrayText(text);
  return entries === undefined ? text : entries.map((entry) => entryOf(entry, kind));
}

function entryOf(entry: ArrayEntry, kind: ValueKind): unknown {
  if (entry === null) return null;
  return typeof entry === 'string' ? scalarOf(entry, kind) : entry.map((inner) => entryOf(inner, kind));
}

function scalarOf(text: string, kind: ValueKind): unknown {
  switch (kind) {
    case 'boolean':
      return text === 't';
    case 'whole':
      return wholeOf(text);
    case 'float':
      return floatOf(text);
    case 'numeric':
      return numericOf(text);
    case 'json':
      return parseExactly(text);
    case 'timestamp':
      return text.replace(' ', 'T');
    case 'timestamptz':
      // The session's time zone is UTC.
      return text.replace(' ', 'T').replace(/\+00$/, 'Z');
    case 'padded':
      return text.replace(/ +$/, '');
    case 'bytes':
    case 'text':
      return text;
  }
}

function wholeOf(text: string): unknown {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : JSON.rawJSON(text);
}

/** NaN and infinities as their names. */
function floatOf(text: string): unknown {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

/** A number where a double says it all, with the zeros behind its point for texts; otherwise its digits. */
function numericOf(text: string): unknown {
  if (/^-?\d+$/.test(text)) return wholeOf(text);
  const digits = text.replace(/^-?0*\.?0*/, '').replace('.', '');
  return /^-?\d+\.\d+$/.test(text) && digits.length <= DOUBLE_DIGITS ? JSON.rawJSON(text) : text;
}
