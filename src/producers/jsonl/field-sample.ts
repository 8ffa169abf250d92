import { failureOutcome } from '../../errors.ts';
import type { MetadataValue } from '../../record/types.ts';
import { FieldPath } from './field-path.ts';
import { fieldText, Flattener } from './flatten.ts';

const MAX_NAMES = 200;
const LISTED_NAMES = 30;

/** The fields of a file's first records, as a table of texts. */
export class FieldSample {
  readonly location: string;
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly #records: readonly Readonly<Record<string, unknown>>[];

  constructor(location: string, records: readonly Readonly<Record<string, unknown>>[]) {
    this.location = location;
    this.#records = records;
    const flattener = new Flattener(new Set());
    const columns = new Map<string, number>();
    this.rows = records.map((record) => {
      const flat = new Map<string, MetadataValue>();
      flattener.begin(flat);
      try {
        for (const [name, value] of Object.entries(record)) flattener.add(name, value);
      } catch (error) {
        // It has too many fields, and becomes a dead letter when it is read.
        if (failureOutcome(error) !== 'dead-letter') throw error;
      }
      const row: string[] = [];
      for (const [name, value] of flat) {
        if (!columns.has(name) && columns.size < MAX_NAMES) columns.set(name, columns.size);
        const column = columns.get(name);
        if (column !== undefined) row[column] = typeof value === 'bigint' ? String(value) : fieldText(value);
      }
      return row;
    });
    this.names = [...columns.keys()];
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  has(name: string): boolean {
    const field = new FieldPath(name);
    return this.#records.some((record) => field.read(record) !== undefined);
  }

  list(): string {
    if (this.names.length === 0) return 'No record could be read at its beginning.';
    const listed = this.names.slice(0, LISTED_NAMES).map((name) => `"${name}"`);
    const more = this.names.length > LISTED_NAMES ? ` and ${this.names.length - LISTED_NAMES} more` : '';
    return `The fields are: ${listed.join(', ')}${more}.`;
  }
}
