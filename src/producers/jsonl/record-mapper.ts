import { isUtf8 } from 'node:buffer';
import { failureOutcome, messageOf, PipelineError } from '../../errors.ts';
import type { Metadata, MetadataValue, RecordId } from '../../record/types.ts';
import { templateColumns } from '../csv/template.ts';
import type { SourceFault, SourceItem } from '../port.ts';
import { exactText, parseExactly } from './exact-json.ts';
import { fieldText, Flattener } from './flatten.ts';
import type { LineStream } from './line-stream.ts';
import type { RecordPlan } from './record-plan.ts';

const MAX_ID_BYTES = 1024;
type JsonObject = Readonly<Record<string, unknown>>;

/** Turns the line that stands in a stream into an item or a fault. */
export class RecordMapper {
  readonly #stream: LineStream;
  readonly #plan: RecordPlan;
  readonly #location: string;
  readonly #idColumns: readonly number[];
  readonly #flattener: Flattener;
  readonly #values: string[];

  constructor(stream: LineStream, plan: RecordPlan, location: string) {
    this.#stream = stream;
    this.#plan = plan;
    this.#location = location;
    this.#idColumns = templateColumns(plan.id);
    this.#flattener = new Flattener(plan.leaveOut);
    this.#values = plan.fields.map(() => '');
  }

  /** `blank` for an empty line, `filtered` for what `where` leaves out. */
  map(): SourceItem | SourceFault | 'blank' | 'filtered' {
    const { window, from, end, isValid } = this.#stream;
    if (from === end) return 'blank';
    if (!isValid && !isUtf8(window.subarray(from, end)))
      return this.fault('JSONL_INVALID_UTF8', 'the line is not valid UTF-8; convert the file, or mend the line');
    const line = window.toString('utf8', from, end);
    let record: unknown;
    try {
      record = parseExactly(line);
    } catch (error) {
      if (line.trim() === '') return 'blank';
      return this.fault('JSONL_INVALID_JSON', `the line is no JSON: ${shortened(messageOf(error))}${adviceFor(line)}`);
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record) || exactText(record) !== undefined)
      return this.fault('JSONL_NOT_AN_OBJECT', `the line is ${kindOf(record)}, not an object with fields`);
    return this.#mapSafely(record as JsonObject);
  }

  /** A fault of the present line. */
  fault(code: string, what: string): SourceFault {
    const { window, from, end } = this.#stream;
    return this.faultWith(code, what, window.subarray(from, end));
  }

  faultWith(code: string, what: string, raw: Uint8Array): SourceFault {
    const { line } = this.#stream;
    return { kind: 'fault', code, reason: `${this.#location}:${line}: ${what}.`, line, raw };
  }

  #mapSafely(record: JsonObject): SourceItem | SourceFault | 'filtered' {
    try {
      return this.#mapRecord(record);
    } catch (error) {
      if (error instanceof RangeError) return this.fault('JSONL_TOO_DEEP', 'its values are nested too deeply');
      if (error instanceof PipelineError && failureOutcome(error) === 'dead-letter')
        return this.fault(error.code, error.message);
      throw error;
    }
  }

  #mapRecord(record: JsonObject): SourceItem | SourceFault | 'filtered' {
    const { where, fields, text: template } = this.#plan;
    for (const { field, value, isEqual } of where)
      if ((fieldText(field.read(record)).trim() === value) !== isEqual) return 'filtered';
    for (const [column, field] of fields.entries()) this.#values[column] = fieldText(field.read(record));
    const id = this.#id(record);
    if (typeof id !== 'string') return id;
    const text = template.render(this.#values);
    if (text.trim() === '') {
      const names = [...new Set(template.columns)].map((column) => `"${fields[column]?.name ?? ''}"`);
      return this.fault(
        'JSONL_NO_TEXT',
        `the record has no text: ${names.join(', ')} ${names.length > 1 ? 'are all' : 'is'} empty`,
      );
    }
    const { line, window, from, end } = this.#stream;
    return { kind: 'item', id, text, metadata: this.#metadata(record), line, raw: window.subarray(from, end) };
  }

  #id(record: JsonObject): RecordId | SourceFault {
    const { id: tokens, fields } = this.#plan;
    for (const column of this.#idColumns) {
      const field = fields[column];
      const value = field?.read(record);
      const name = `"${field?.name ?? ''}"`;
      if (typeof value === 'object' && value !== null && exactText(value) === undefined)
        return this.fault(
          'JSONL_INVALID_ID',
          `${name}, the id, is ${kindOf(value)}; name a field that holds a text or a number`,
        );
      if (typeof value === 'string' && !value.isWellFormed())
        return this.fault('JSONL_INVALID_ID', `${name}, the id, holds half a surrogate pair, which is no character`);
      if (this.#values[column]?.trim() === '')
        return this.fault('JSONL_MISSING_ID', `${name}, the id, is missing or empty`);
    }
    let id = '';
    for (const token of tokens) id += typeof token === 'string' ? token : (this.#values[token.column] ?? '');
    if (id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES)
      return this.fault('JSONL_ID_TOO_LONG', `the id has ${Buffer.byteLength(id)} bytes; ${MAX_ID_BYTES} are allowed`);
    // Keys of a source's ledger that are no ids begin so.
    if (id.startsWith('\0')) return this.fault('JSONL_INVALID_ID', 'the id begins with NUL');
    return id as RecordId;
  }

  #metadata(record: JsonObject): Metadata {
    const metadata = new Map<string, MetadataValue>();
    this.#flattener.begin(metadata);
    const { metadata: wanted } = this.#plan;
    if (wanted === 'all') for (const name of Object.keys(record)) this.#flattener.add(name, record[name]);
    else
      for (const field of wanted) {
        const value = field.read(record);
        if (value !== undefined) this.#flattener.add(field.name, value);
      }
    return metadata;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (exactText(value) !== undefined) return 'a number';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** V8 quotes the text. */
function shortened(message: string): string {
  return message.length > 200 ? `${message.slice(0, 199)}…` : message;
}

function adviceFor(line: string): string {
  return /[:[,]\s*-?(?:NaN|Infinity)\b/.test(line) ? '; NaN and Infinity are not JSON: write null' : '';
}
