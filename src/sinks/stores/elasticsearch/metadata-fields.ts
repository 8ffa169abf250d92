import type { Metadata } from '../../../record/types.ts';
import { objectIn } from './answers.ts';
import type { Elastic } from './elastic.ts';
import { responseFault } from './faults.ts';
import { inferredType, namedType } from './mapping.ts';

type Types = Readonly<Record<string, unknown>>;
type Typed = readonly [field: string, type: unknown];

const TOO_MANY_FIELDS = 'Limit of total fields';

export interface MetadataFieldsOptions {
  readonly elastic: Elastic;
  readonly index: string;
  /** Types that the user names, by field. */
  readonly named: ReadonlyMap<string, string>;
  readonly onWarning: (message: string) => void;
}

/**
 * The types of metadata fields: each field gets one as soon as the first changes that have it are written, by all of their
 * values. Fields beyond what the index takes are in the documents and not searched.
 */
export class MetadataFields {
  readonly #options: MetadataFieldsOptions;
  readonly #known: Set<string>;
  /** One after the other: what one has added the next need not. */
  #adding: Promise<void> = Promise.resolve();
  #isFull = false;

  private constructor(options: MetadataFieldsOptions, known: Iterable<string>) {
    this.#options = options;
    this.#known = new Set(known);
  }

  /** @throws ELASTIC_REFUSED when a field has another type than the user names. */
  static async open(options: MetadataFieldsOptions): Promise<MetadataFields> {
    const fields = new MetadataFields(options, await mappedFields(options));
    for (const [field, type] of options.named) await fields.#put({ [field]: namedType(type) });
    for (const field of options.named.keys()) fields.#known.add(field);
    return fields;
  }

  /** To be awaited before documents with this metadata are sent. */
  async ensure(all: readonly Metadata[]): Promise<void> {
    if (!all.some((metadata) => this.#hasUnknown(metadata))) return;
    this.#adding = this.#adding.then(() => this.#add(all));
    await this.#adding;
  }

  #hasUnknown(metadata: Metadata): boolean {
    for (const [field, value] of metadata) if (value !== null && !this.#known.has(field)) return true;
    return false;
  }

  async #add(all: readonly Metadata[]): Promise<void> {
    const values = new Map<string, unknown[]>();
    for (const metadata of all)
      for (const [field, value] of metadata) {
        if (value === null || this.#known.has(field)) continue;
        const seen = values.get(field);
        if (seen === undefined) values.set(field, [value]);
        else seen.push(value);
      }
    const types = Array.from(values, ([field, seen]): Typed => [field, inferredType(seen)]);
    await this.#addSome(types);
    for (const field of values.keys()) this.#known.add(field);
  }

  /** By halves, where one of them can't be had. */
  async #addSome(types: readonly Typed[]): Promise<void> {
    if (types.length === 0 || this.#isFull) return;
    const reason = await this.#tryPut(Object.fromEntries(types));
    if (reason === undefined) return;
    const middle = Math.floor(types.length / 2);
    if (middle > 0) {
      await this.#addSome(types.slice(0, middle));
      await this.#addSome(types.slice(middle));
      return;
    }
    const [[field] = ['']] = types;
    // Another process has given it another type: then that is what it has.
    if ((await mappedFields(this.#options)).includes(field)) return;
    this.#isFull = reason.includes(TOO_MANY_FIELDS);
    const which = this.#isFull ? `"${field}" and any further one` : `"${field}"`;
    this.#options.onWarning(`The metadata field ${which} can't be searched, and is only stored: ${reason}`);
  }

  /** @returns why it is refused. */
  async #tryPut(types: Types): Promise<string | undefined> {
    const { elastic } = this.#options;
    const { status, body } = await elastic.ask(this.#request(types), [400]);
    return status === 400 ? responseFault(elastic.where, 'it', status, body).message : undefined;
  }

  async #put(types: Types): Promise<void> {
    await this.#options.elastic.ask(this.#request(types));
  }

  #request(properties: Types): Parameters<Elastic['ask']>[0] {
    return {
      ...{ method: 'PUT', path: `/${encodeURIComponent(this.#options.index)}/_mapping` },
      body: { properties: { metadata: { type: 'object', subobjects: false, properties } } },
      what: `the types of the metadata fields ${Object.keys(properties).slice(0, 5).join(', ')}`,
    };
  }
}

async function mappedFields({ elastic, index }: MetadataFieldsOptions): Promise<string[]> {
  const path = `/${encodeURIComponent(index)}/_mapping`;
  const { body } = await elastic.ask({ method: 'GET', path, what: 'the mapping' });
  const metadata = objectIn(objectIn(objectIn(objectIn(body, index), 'mappings'), 'properties'), 'metadata');
  return Object.keys(objectIn(metadata, 'properties') ?? {});
}
