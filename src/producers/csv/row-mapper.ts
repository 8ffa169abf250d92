import type { Metadata, MetadataValue, RecordId } from '../../record/types.ts';
import { referenceOf } from '../image/image-reference.ts';
import type { SourceFault, SourceItem } from '../port.ts';
import { firstInvalidByte } from './encoding.ts';
import { CsvItem } from './csv-item.ts';
import { meetsAll } from './row-filter.ts';
import type { RowPlan } from './row-plan.ts';
import type { RowStream } from './row-stream.ts';
import { hasSwallowedRows, strayQuoteExplains } from './stray-quotes.ts';
import { templateColumns } from './template.ts';
import type { Transcoder } from './transcoder.ts';

export const MAX_ID_BYTES = 1024;

/** Turns the row that stands in a stream into an item or a fault. */
export class RowMapper {
  readonly #stream: RowStream;
  readonly #plan: RowPlan;
  readonly #location: string;
  readonly #transcoder: Transcoder;
  readonly #idColumns: readonly number[];
  readonly #needed: readonly number[];
  readonly #values: string[];

  constructor(stream: RowStream, plan: RowPlan, location: string, transcoder: Transcoder) {
    this.#stream = stream;
    this.#plan = plan;
    this.#location = location;
    this.#transcoder = transcoder;
    this.#idColumns = templateColumns(plan.id);
    const needed = [
      ...this.#idColumns,
      ...plan.text.columns,
      ...templateColumns(plan.image?.tokens ?? []),
      ...plan.metadata,
      ...plan.where.map(({ column }) => column),
    ];
    this.#needed = [...new Set(needed)].sort((a, b) => a - b);
    this.#values = plan.names.map(() => '');
  }

  /** Undefined when the row is filtered out by `where`. */
  map(): SourceItem | SourceFault | undefined {
    const damage = this.#damage();
    if (damage !== undefined) return damage;
    this.#readValues();
    const { where, text: template } = this.#plan;
    if (where.length > 0 && !meetsAll(where, this.#values)) return undefined;
    const id = this.#id();
    if (typeof id !== 'string') return id;
    const text = template.render(this.#values);
    const { image } = this.#plan;
    const imageReference = image && referenceOf(image, this.#values);
    if (text === '' && imageReference === undefined) {
      const columns = [...template.columns, ...templateColumns(image?.tokens ?? [])];
      const what = image === undefined ? 'text' : 'text and no image';
      return this.fault('CSV_NO_TEXT', `the row has no ${what}: ${this.#columnList(columns)} empty`);
    }
    return new CsvItem(this.#stream, this.#transcoder, { id, text, metadata: this.#metadata(), imageReference });
  }

  /** A fault of the present row. */
  fault(code: string, what: string): SourceFault {
    const { window, from, scanner } = this.#stream;
    return this.faultWith(code, what, this.#transcoder.original(window.subarray(from, scanner.end)));
  }

  faultWith(code: string, what: string, raw: Uint8Array): SourceFault {
    const { line } = this.#stream;
    return { kind: 'fault', code, reason: `${this.#location}:${line}: ${what}.`, line, raw };
  }

  /** A fault of the row's form, not of what it says. */
  #damage(): SourceFault | undefined {
    const { scanner, window, from } = this.#stream;
    const columns = this.#plan.names.length;
    if (scanner.hasNul) return this.fault('CSV_NUL', 'the row holds a NUL byte; the file may be damaged here');
    if (scanner.bits >= 0x80 && !this.#stream.isValid) {
      const at = firstInvalidByte(window.subarray(from, scanner.end));
      if (at >= 0) return this.#invalidBytes(at);
    }
    if (scanner.textAfterQuote >= 0) {
      const column = this.#columnName(scanner.textAfterQuote);
      return this.fault(
        'CSV_TEXT_AFTER_QUOTE',
        `text follows the closing quote of ${column}; write a quote within quotes twice`,
      );
    }
    const isWhole = scanner.fieldCount === columns;
    if (isWhole && scanner.brokenField < 0) return undefined;
    if (isWhole ? hasSwallowedRows(scanner, window, from, columns) : strayQuoteExplains(scanner, window, columns)) {
      this.#stream.cutAtBreak();
      return this.strayQuote();
    }
    if (isWhole) return undefined;
    return this.fault('CSV_RAGGED_ROW', `the row has ${scanner.fieldCount} fields where the header has ${columns}`);
  }

  strayQuote(): SourceFault {
    const column = this.#columnName(this.#stream.scanner.strayField);
    return this.fault('CSV_UNCLOSED_QUOTE', `the quote that opens ${column} is not closed; only this line is left out`);
  }

  #invalidBytes(at: number): SourceFault {
    const { window, from } = this.#stream;
    const byte = (window[from + at] ?? 0).toString(16).padStart(2, '0');
    return this.fault(
      'CSV_INVALID_BYTES',
      `byte 0x${byte} at byte ${at + 1} of the row is not valid in the file's encoding; give --encoding if it is another`,
    );
  }

  /** Fills `#values` with the trimmed fields that are needed: one decode a row, the fields are slices of it. */
  #readValues(): void {
    const { scanner, window, from } = this.#stream;
    const { starts, ends, doubled } = scanner;
    const isAscii = scanner.bits < 0x80;
    const row = window.toString(isAscii ? 'latin1' : 'utf8', from, scanner.end);
    if (isAscii) shift(starts, ends, scanner.fieldCount, from);
    else toUnits(window, from, starts, ends, scanner.fieldCount);
    const values = this.#values;
    for (const column of this.#needed) {
      const start = starts[column] ?? 0;
      const end = ends[column] ?? 0;
      if (start === end) {
        values[column] = '';
        continue;
      }
      let value = row.slice(start, end);
      if (doubled[column] === 1) value = value.replaceAll('""', '"');
      if (mayHaveBlanks(value)) value = value.trim();
      values[column] = value;
    }
  }

  #id(): RecordId | SourceFault {
    let id = '';
    for (const token of this.#plan.id) id += typeof token === 'string' ? token : (this.#values[token.column] ?? '');
    for (const column of this.#idColumns) {
      if (this.#values[column] === '')
        return this.fault('CSV_MISSING_ID', `${this.#columnName(column)}, the id, is empty`);
    }
    if (id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES) {
      return this.fault('CSV_ID_TOO_LONG', `the id has ${Buffer.byteLength(id)} bytes; ${MAX_ID_BYTES} are allowed`);
    }
    const { idPattern } = this.#plan;
    if (idPattern !== undefined && !idPattern.pattern.test(id)) {
      return this.fault(
        'CSV_INVALID_ID',
        `the id "${id.slice(0, 60)}" is not ${idPattern.form}; the row looks shifted`,
      );
    }
    return id as RecordId;
  }

  #metadata(): Metadata {
    const metadata = new Map<string, MetadataValue>();
    const { names, metadata: columns } = this.#plan;
    for (const column of columns) {
      const value = this.#values[column] ?? '';
      metadata.set(names[column] ?? '', value === '' ? null : value);
    }
    return metadata;
  }

  #columnName(column: number): string {
    const name = this.#plan.names[column];
    return name === undefined ? `field ${column + 1}` : `"${name}" (column ${column + 1})`;
  }

  #columnList(columns: readonly number[]): string {
    const names = [...new Set(columns)].map((column) => `"${this.#plan.names[column] ?? ''}"`);
    return names.length === 1 ? `${names.join('')} is` : `${names.join(', ')} are all`;
  }
}

function mayHaveBlanks(value: string): boolean {
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first <= 0x20 || last <= 0x20 || first >= 0x80 || last >= 0x80;
}

function shift(starts: Int32Array, ends: Int32Array, count: number, by: number): void {
  for (let field = 0; field < count; field++) {
    starts[field] = (starts[field] ?? 0) - by;
    ends[field] = (ends[field] ?? 0) - by;
  }
}

/** Byte positions become positions in the row's string, counted in UTF-16 units. */
function toUnits(bytes: Uint8Array, from: number, starts: Int32Array, ends: Int32Array, count: number): void {
  let at = from;
  let units = 0;
  for (let field = 0; field < count; field++) {
    const start = starts[field] ?? 0;
    for (; at < start; at++) units += unitsOf(bytes[at] ?? 0);
    starts[field] = units;
    const end = ends[field] ?? 0;
    for (; at < end; at++) units += unitsOf(bytes[at] ?? 0);
    ends[field] = units;
  }
}

/** A continuation byte adds nothing, the lead byte of a four-byte character a surrogate pair. */
function unitsOf(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  return byte < 0xf0 ? 1 : 2;
}
