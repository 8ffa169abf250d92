import { BoolColumn, Float64Column, Int64Column, Utf8Column } from './columns.ts';
import type { FlatColumn } from './flat-column.ts';
import { PhysicalType, type ColumnSchema } from './format.ts';
import {
  METADATA_BOOLEAN,
  METADATA_DOUBLE,
  METADATA_LONG,
  METADATA_NULL,
  METADATA_STRING,
  type EmbeddingScanner,
} from '../../codec/embedding-scanner.ts';

/** `mixed`: values of several types, as text. */
export type MetadataColumnType = 'boolean' | 'long' | 'double' | 'string' | 'mixed';

/** A metadata key and the column it has become. */
export interface MetadataColumnPlan {
  readonly key: string;
  readonly column: string;
  readonly type: MetadataColumnType;
}

/** What no column takes: a JSON object a row, null where there is nothing. */
export const OTHER_COLUMN = 'metadata_other';
const CLASH_PREFIX = 'metadata.';
const TWO_32 = 0x1_0000_0000;
const utf8 = new TextDecoder();

/** Sees the rows of a shard's first row group and decides on the columns. */
export class MetadataColumnPlanner {
  /** A bit for each kind of value that was seen, by key, in first-seen order. */
  readonly #seen = new Map<string, number>();

  add(scanner: EmbeddingScanner): void {
    for (let i = 0; i < scanner.metadataCount; i++) {
      const key = utf8.decode(scanner.bytes.subarray(scanner.keyStarts[i], scanner.keyEnds[i]));
      const kind = scanner.kinds[i] ?? METADATA_NULL;
      this.#seen.set(key, (this.#seen.get(key) ?? 0) | (1 << kind));
    }
  }

  plan(reserved: readonly string[]): MetadataColumnPlan[] {
    const taken = new Set([...reserved, OTHER_COLUMN]);
    return [...this.#seen].map(([key, kinds]) => {
      let column = key;
      while (taken.has(column)) column = CLASH_PREFIX + column;
      taken.add(column);
      return { key, column, type: columnType(kinds) };
    });
  }
}

function columnType(kinds: number): MetadataColumnType {
  const only = kinds & ~(1 << METADATA_NULL);
  if (only === 0 || only === 1 << METADATA_STRING) return 'string';
  if (only === 1 << METADATA_LONG) return 'long';
  if (only === 1 << METADATA_BOOLEAN) return 'boolean';
  return (only & ~((1 << METADATA_DOUBLE) | (1 << METADATA_LONG))) === 0 ? 'double' : 'mixed';
}

interface Slot {
  readonly keyBytes: Uint8Array;
  readonly type: MetadataColumnType;
  readonly column: FlatColumn;
  /** False: the value is of another type, and nothing was appended. */
  readonly append: (scanner: EmbeddingScanner, entry: number) => boolean;
}

/** The metadata columns of the row group being built, and `metadata_other`. */
export class MetadataColumns {
  readonly #slots: readonly Slot[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #other = new Utf8Column({ nullable: true });
  readonly schema: readonly ColumnSchema[];

  constructor(plan: readonly MetadataColumnPlan[]) {
    this.#slots = plan.map(({ key, type }) => ({
      keyBytes: new TextEncoder().encode(key),
      type,
      ...slot(type),
    }));
    this.#indexOf = new Map(plan.map(({ key }, index) => [key, index]));
    this.schema = [
      ...plan.map(({ column, type }) => ({ name: column, ...schemaOf(type), nullable: true })),
      { name: OTHER_COLUMN, ...schemaOf('string'), nullable: true },
    ];
  }

  /** Takes the metadata of row `row` (0-based in the row group). */
  append(scanner: EmbeddingScanner, row: number): void {
    let other = '';
    for (let entry = 0, expected = 0; entry < scanner.metadataCount; entry++) {
      const index = this.#find(scanner, entry, expected);
      expected = index + 1;
      const found = this.#slots[index];
      // A key that comes twice in a row has its first value in the column.
      if (found !== undefined && found.column.length <= row) {
        found.column.padTo(row);
        if (scanner.kinds[entry] === METADATA_NULL || found.append(scanner, entry)) continue;
      } else if (scanner.kinds[entry] === METADATA_NULL && found !== undefined) continue;
      other += `${other === '' ? '{' : ','}${JSON.stringify(keyText(scanner, entry))}:${jsonValue(scanner, entry)}`;
    }
    if (other === '') return;
    this.#other.padTo(row);
    this.#other.appendString(`${other}}`);
  }

  /** All columns with `length` rows, in the order of `schema`. */
  padded(length: number): readonly FlatColumn[] {
    const columns = [...this.#slots.map((each) => each.column), this.#other];
    for (const column of columns) column.padTo(length);
    return columns;
  }

  /** Rows of one source have their keys in one order, so the next slot is nearly always the one. */
  #find(scanner: EmbeddingScanner, entry: number, expected: number): number {
    const start = scanner.keyStarts[entry] ?? 0;
    const end = scanner.keyEnds[entry] ?? 0;
    const guess = this.#slots[expected];
    if (guess !== undefined && equalBytes(guess.keyBytes, scanner.bytes, start, end)) return expected;
    return this.#indexOf.get(keyText(scanner, entry)) ?? -1;
  }
}

function equalBytes(bytes: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== source[start + i]) return false;
  return true;
}

/** The key of metadata entry `entry` of the scanned row. */
export function keyText(scanner: EmbeddingScanner, entry: number): string {
  return utf8.decode(scanner.bytes.subarray(scanner.keyStarts[entry], scanner.keyEnds[entry]));
}

function longOf(scanner: EmbeddingScanner, entry: number): bigint {
  scanner.readLongAt(scanner.valueStarts[entry] ?? 0);
  return (BigInt(scanner.high) << 32n) | BigInt(scanner.low >>> 0);
}

function doubleOf(scanner: EmbeddingScanner, entry: number): number {
  const { bytes } = scanner;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(scanner.valueStarts[entry] ?? 0, true);
}

function scalarText(scanner: EmbeddingScanner, entry: number): string {
  const kind: number = scanner.kinds[entry] ?? METADATA_NULL;
  const start = scanner.valueStarts[entry] ?? 0;
  switch (kind) {
    case METADATA_BOOLEAN:
      return scanner.bytes[start] === 1 ? 'true' : 'false';
    case METADATA_LONG:
      return longOf(scanner, entry).toString();
    case METADATA_DOUBLE:
      return String(doubleOf(scanner, entry));
    case METADATA_STRING:
      return utf8.decode(scanner.bytes.subarray(start, scanner.valueEnds[entry]));
    default:
      return 'null';
  }
}

/** JSON has no NaN, no infinity and, for most readers, no integer beyond 2^53: those become strings. */
export function jsonValue(scanner: EmbeddingScanner, entry: number): string {
  const text = scalarText(scanner, entry);
  const kind = scanner.kinds[entry];
  const quoted =
    kind === METADATA_STRING ||
    (kind === METADATA_DOUBLE && !Number.isFinite(Number(text))) ||
    (kind === METADATA_LONG && !Number.isSafeInteger(Number(text)));
  return quoted ? JSON.stringify(text) : text;
}

function schemaOf(type: MetadataColumnType): { readonly type: number; readonly meaning?: 'string' } {
  if (type === 'boolean') return { type: PhysicalType.boolean };
  if (type === 'long') return { type: PhysicalType.int64 };
  return type === 'double' ? { type: PhysicalType.double } : { type: PhysicalType.byteArray, meaning: 'string' };
}

function slot(type: MetadataColumnType): Pick<Slot, 'column' | 'append'> {
  const nullable = true;
  switch (type) {
    case 'boolean':
      return booleanSlot(new BoolColumn({ nullable }));
    case 'long':
      return longSlot(new Int64Column({ nullable }));
    case 'double':
      return doubleSlot(new Float64Column({ nullable }));
    case 'string':
    case 'mixed':
      return textSlot(new Utf8Column({ nullable, bounds: type === 'string' }), type === 'mixed');
  }
}

function booleanSlot(column: BoolColumn): Pick<Slot, 'column' | 'append'> {
  const append: Slot['append'] = (scanner, entry) => {
    if (scanner.kinds[entry] !== METADATA_BOOLEAN) return false;
    column.append(scanner.bytes[scanner.valueStarts[entry] ?? 0] === 1);
    return true;
  };
  return { column, append };
}

function longSlot(column: Int64Column): Pick<Slot, 'column' | 'append'> {
  const append: Slot['append'] = (scanner, entry) => {
    if (scanner.kinds[entry] !== METADATA_LONG) return false;
    scanner.readLongAt(scanner.valueStarts[entry] ?? 0);
    column.append(scanner.low, scanner.high);
    return true;
  };
  return { column, append };
}

function doubleSlot(column: Float64Column): Pick<Slot, 'column' | 'append'> {
  const append: Slot['append'] = (scanner, entry) => {
    const start = scanner.valueStarts[entry] ?? 0;
    if (scanner.kinds[entry] === METADATA_DOUBLE) {
      column.appendBytes(scanner.bytes, start);
      return true;
    }
    if (scanner.kinds[entry] !== METADATA_LONG) return false;
    scanner.readLongAt(start);
    const value = scanner.high * TWO_32 + (scanner.low >>> 0);
    // A double would not hold it.
    if (!Number.isSafeInteger(value)) return false;
    column.append(value);
    return true;
  };
  return { column, append };
}

function textSlot(column: Utf8Column, mixed: boolean): Pick<Slot, 'column' | 'append'> {
  const append: Slot['append'] = (scanner, entry) => {
    if (scanner.kinds[entry] === METADATA_STRING) {
      column.append(scanner.bytes, scanner.valueStarts[entry] ?? 0, scanner.valueEnds[entry] ?? 0);
      return true;
    }
    if (!mixed) return false;
    column.appendString(scalarText(scanner, entry));
    return true;
  };
  return { column, append };
}
