import { failureOutcome, PipelineError } from '../../errors.ts';
import type { Metadata, MetadataValue, RecordId } from '../../record/types.ts';
import { templateColumns } from '../csv/template.ts';
import { type ReferringItem, referenceOf } from '../image/image-reference.ts';
import { exactText } from '../../record/exact-json.ts';
import { fieldText, Flattener } from './flatten.ts';
import type { RecordPlan } from './record-plan.ts';

const MAX_ID_BYTES = 1024;

export type JsonObject = Readonly<Record<string, unknown>>;
/** What an object says of an item, whatever it was read from. */
export type MappedObject = Pick<ReferringItem, 'id' | 'text' | 'imageReference' | 'metadata'>;

export interface ObjectFault {
  readonly code: string;
  /** In words that follow a place: "the record has no text". */
  readonly what: string;
}

/** Turns objects (a line of JSON, a row of a database) into what an item says, as a plan has it. */
export class ObjectMapper {
  readonly #plan: RecordPlan;
  /** What codes of faults begin with: `JSONL`. */
  readonly #prefix: string;
  readonly #idColumns: readonly number[];
  readonly #flattener: Flattener;
  readonly #values: string[];

  constructor(plan: RecordPlan, prefix: string) {
    this.#plan = plan;
    this.#prefix = prefix;
    this.#idColumns = templateColumns(plan.id);
    this.#flattener = new Flattener(plan.leaveOut);
    this.#values = plan.fields.map(() => '');
  }

  map(record: JsonObject): MappedObject | ObjectFault | 'filtered' {
    try {
      return this.#mapObject(record);
    } catch (error) {
      if (error instanceof RangeError) return this.#fault('TOO_DEEP', 'its values are nested too deeply');
      if (error instanceof PipelineError && failureOutcome(error) === 'dead-letter')
        return { code: error.code, what: error.message };
      throw error;
    }
  }

  #fault(code: string, what: string): ObjectFault {
    return { code: `${this.#prefix}_${code}`, what };
  }

  #mapObject(record: JsonObject): MappedObject | ObjectFault | 'filtered' {
    const { where, fields, text: template } = this.#plan;
    for (const { field, value, isEqual } of where)
      if ((fieldText(field.read(record)).trim() === value) !== isEqual) return 'filtered';
    for (const [column, field] of fields.entries()) this.#values[column] = fieldText(field.read(record));
    const id = this.#id(record);
    if (typeof id !== 'string') return id;
    const text = template.render(this.#values);
    const { image } = this.#plan;
    const imageReference = image && referenceOf(image, this.#values);
    const hasText = text.trim() !== '';
    if (!hasText && imageReference === undefined) return this.#noText();
    return {
      id,
      ...(hasText && { text }),
      ...(imageReference !== undefined && { imageReference }),
      metadata: this.#metadata(record),
    };
  }

  #noText(): ObjectFault {
    const { text, image, fields } = this.#plan;
    const columns = new Set([...text.columns, ...templateColumns(image?.tokens ?? [])]);
    const names = Array.from(columns, (column) => `"${fields[column]?.name ?? ''}"`);
    const empty = `${names.join(', ')} ${names.length > 1 ? 'are all' : 'is'} empty`;
    return this.#fault('NO_TEXT', `the record has no ${image === undefined ? 'text' : 'text and no image'}: ${empty}`);
  }

  #id(record: JsonObject): RecordId | ObjectFault {
    const { id: tokens, fields } = this.#plan;
    for (const column of this.#idColumns) {
      const field = fields[column];
      const value = field?.read(record);
      const name = `"${field?.name ?? ''}"`;
      if (typeof value === 'object' && value !== null && exactText(value) === undefined)
        return this.#fault(
          'INVALID_ID',
          `${name}, the id, is ${kindOf(value)}; name a field that holds a text or a number`,
        );
      if (typeof value === 'string' && !value.isWellFormed())
        return this.#fault('INVALID_ID', `${name}, the id, holds half a surrogate pair, which is no character`);
      if (this.#values[column]?.trim() === '') return this.#fault('MISSING_ID', `${name}, the id, is missing or empty`);
    }
    let id = '';
    for (const token of tokens) id += typeof token === 'string' ? token : (this.#values[token.column] ?? '');
    if (id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES)
      return this.#fault('ID_TOO_LONG', `the id has ${Buffer.byteLength(id)} bytes; ${MAX_ID_BYTES} are allowed`);
    // Keys of a source's ledger that are no ids begin so.
    if (id.startsWith('\0')) return this.#fault('INVALID_ID', 'the id begins with NUL');
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

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (exactText(value) !== undefined) return 'a number';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
