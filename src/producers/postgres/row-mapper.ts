import type { TextRow } from '../../postgres/row-stream.ts';
import type { Metadata, RecordId } from '../../record/types.ts';
import { type JsonObject, type MappedObject, ObjectMapper } from '../jsonl/object-mapper.ts';
import type { RecordPlan } from '../jsonl/record-plan.ts';
import type { ReferringItem } from '../image/image-reference.ts';
import type { SourceFault, SourceItem } from '../port.ts';
import type { DescribedColumn } from './catalogue.ts';
import { valueOf } from './column-values.ts';

/** A dead letter carries its row as JSON: it has to fit into one log record (8 MiB) with its headers. */
const MAX_RAW_BYTES = 8 * 1024 * 1024 - 64 * 1024;

/** Turns rows into items and faults. */
export class RowMapper {
  readonly #columns: readonly DescribedColumn[];
  readonly #objects: ObjectMapper;
  readonly #location: string;

  constructor(columns: readonly DescribedColumn[], plan: RecordPlan, location: string) {
    this.#columns = columns;
    this.#objects = new ObjectMapper(plan, 'POSTGRES');
    this.#location = location;
  }

  /** `row`: 1-based, in the order in which they come. */
  map(values: TextRow, row: number): SourceItem | SourceFault {
    const record = objectOf(values, this.#columns);
    const mapped = this.#objects.map(record);
    if (mapped === 'filtered') throw new RangeError('The server filters rows, not the plan.');
    if (!('code' in mapped)) return new RowItem(mapped, row, record);
    const whole = rawOf(record);
    const raw = whole.subarray(0, MAX_RAW_BYTES);
    const cut =
      raw.length < whole.length ? `; of the row's ${whole.length} bytes the first ${raw.length} are kept here` : '';
    return {
      kind: 'fault',
      code: mapped.code,
      reason: `${this.#location}:${row}: ${mapped.what}${cut}.`,
      line: row,
      raw,
    };
  }
}

/** A row as the object that JSON lines would have of it. */
export function objectOf(values: TextRow, columns: readonly DescribedColumn[]): JsonObject {
  // Not by assignment: a column may be named "__proto__".
  return Object.fromEntries(columns.map((column, index) => [column.name, valueOf(values[index] ?? null, column)]));
}

/** A good row. Its JSON is made when it is asked for: hardly any row's ever is. */
class RowItem implements ReferringItem {
  readonly kind = 'item';
  readonly id: RecordId;
  readonly text?: string;
  readonly imageReference?: string;
  readonly metadata: Metadata;
  readonly line: number;
  readonly #record: JsonObject;

  constructor({ id, text, imageReference, metadata }: MappedObject, line: number, record: JsonObject) {
    this.id = id;
    if (text !== undefined) this.text = text;
    if (imageReference !== undefined) this.imageReference = imageReference;
    this.metadata = metadata;
    this.line = line;
    this.#record = record;
  }

  get raw(): Uint8Array {
    return rawOf(this.#record).subarray(0, MAX_RAW_BYTES);
  }
}

function rawOf(record: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(record));
}
