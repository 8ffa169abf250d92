/** A field of a JSON object: its name, or names and indexes with dots between (`author.name`, `tags.0`). */
export class FieldPath {
  readonly name: string;
  readonly #steps: readonly string[];

  constructor(name: string) {
    this.name = name;
    this.#steps = name.split('.');
  }

  /** The field's value, or undefined. A field that is named with the dots in it comes first. */
  read(record: Readonly<Record<string, unknown>>): unknown {
    // Not `in`: "constructor" is a field only where the record has it.
    if (Object.hasOwn(record, this.name)) return record[this.name];
    if (this.#steps.length === 1) return undefined;
    let value: unknown = record;
    for (const step of this.#steps) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return value;
  }
}
