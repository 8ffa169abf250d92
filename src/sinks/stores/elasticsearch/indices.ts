import { fatalError } from '../../../errors.ts';
import { type Json, objectIn, textIn } from './answers.ts';
import type { Elastic, Request } from './elastic.ts';
import { responseFault } from './faults.ts';
import { modelFields, type ModelMapping, type ModelState, RECORD_MAPPING } from './mapping.ts';
import { modelField, VISIBLE } from './fields.ts';
import { readsBase64 } from './probe.ts';
import { type IndexVersion, readVersions, type VectorForm } from './versions.ts';

export interface IndicesOptions {
  readonly elastic: Elastic;
  readonly alias: string;
  readonly model: ModelMapping;
  readonly shards: number;
  readonly replicas: number | undefined;
  readonly hidesVectors: boolean;
}

/** While an index is filled nobody searches it, and a copy of it can be made at the end for less. */
const RELAXED = { refresh_interval: '-1', number_of_replicas: 0, auto_expand_replicas: false } as const;
/** Copies that do not become ready keep nobody from searching the index. */
const READY_WITHIN = '60s';

/** Alias that the index alone has, also when it serves: writing to it makes no index where it was deleted. */
export function writeAlias(index: string): string {
  return `${index}-write`;
}

/** What is done to the versions of an index. */
export class Indices {
  readonly #options: IndicesOptions;

  constructor(options: IndicesOptions) {
    this.#options = options;
  }

  async list(): Promise<IndexVersion[]> {
    const { elastic, alias } = this.#options;
    const { body } = await elastic.ask({
      ...{ method: 'GET', path: `/${encodeURIComponent(alias)},${encodeURIComponent(alias)}-*`, what: 'the indices' },
      query: { ignore_unavailable: true, expand_wildcards: 'open,hidden', features: 'aliases,mappings' },
    });
    return readVersions(alias, body);
  }

  /** Makes an index that nobody searches yet. False where there is one of that name. */
  async create(name: string): Promise<boolean> {
    const { model, shards, elastic } = this.#options;
    const { properties } = RECORD_MAPPING;
    const path = `/${encodeURIComponent(name)}`;
    const { status, body } = await this.#ask('PUT', path, `the making of ${name}`, {
      allowed: [400],
      body: {
        aliases: { [writeAlias(name)]: { is_hidden: true } },
        settings: { index: { number_of_shards: shards, ...RELAXED } },
        mappings: {
          ...RECORD_MAPPING,
          properties: { ...properties, ...modelFields(model, 'new') },
          ...metaOf({ building: true }),
        },
      },
    });
    if (status !== 400) return true;
    if (textIn(objectIn(body, 'error'), 'type') === 'resource_already_exists_exception') return false;
    throw responseFault(elastic.where, `the making of ${name}`, status, body);
  }

  /** Finds out how an index that nobody searches yet takes vectors, and notes it there. */
  async probe(name: string): Promise<VectorForm> {
    const { model, hidesVectors, elastic } = this.#options;
    const target = { index: name, model: model.model, dimension: model.dimension, hidesVectors };
    const vectors = (await readsBase64(elastic, target)) ? 'base64' : 'json';
    await this.#putMapping(name, metaOf({ building: true, vectors }));
    return vectors;
  }

  /** Adds the model's fields, or notes how far their filling is. */
  async putModel(name: string, state: ModelState): Promise<void> {
    const { model: wanted, elastic } = this.#options;
    const present = (await this.list()).find((index) => index.name === name)?.models.get(modelField(wanted.model));
    const model = { ...wanted, indexOptions: present?.indexOptions ?? wanted.indexOptions };
    const allowed = [400];
    const { status, body } = await this.#putMapping(name, { properties: modelFields(model, state) }, allowed);
    if (status !== 400) return;
    const reason = textIn(objectIn(body, 'error'), 'reason') ?? '';
    throw fatalError(
      'ELASTIC_MAPPING',
      `The index ${name} at ${elastic.where} can't hold the vectors of ${model.model} (${model.dimension} numbers, ` +
        `${model.similarity}, ${model.indexOptions}): ${reason}. If it was made for others, fill a new index with --force.`,
    );
  }

  /** Makes the index serve, in one step for whoever searches; `from` are those that serve until then. */
  async serve(index: IndexVersion, from: readonly string[]): Promise<void> {
    const { replicas, alias } = this.#options;
    const path = `/${encodeURIComponent(index.name)}`;
    const copies =
      replicas === undefined
        ? { auto_expand_replicas: '0-1' }
        : { auto_expand_replicas: false, number_of_replicas: replicas };
    await this.#ask('PUT', `${path}/_settings`, 'the settings', {
      body: { index: { refresh_interval: null, ...copies } },
    });
    await this.refresh(index.name);
    const query = { wait_for_no_initializing_shards: true, timeout: READY_WITHIN };
    await this.#ask('GET', `/_cluster/health${path}`, 'the state of its copies', { query, allowed: [403, 408] });
    const actions = [
      ...from.map((name) => ({ remove: { index: name, alias } })),
      { add: { index: index.name, alias, filter: VISIBLE } },
    ];
    await this.#ask('POST', '/_aliases', `the alias ${alias}`, { body: { actions } });
    await this.#putMapping(index.name, metaOf({ building: false, vectors: index.vectors }));
  }

  async refresh(name: string): Promise<void> {
    await this.#ask('POST', `/${encodeURIComponent(name)}/_refresh`, 'a refresh');
  }

  async remove(name: string): Promise<void> {
    await this.#ask('DELETE', `/${encodeURIComponent(name)}`, `the removal of ${name}`, { allowed: [404] });
  }

  #putMapping(
    name: string,
    body: Request['body'] & object,
    allowed: readonly number[] = [],
  ): ReturnType<Elastic['ask']> {
    return this.#ask('PUT', `/${encodeURIComponent(name)}/_mapping`, `the mapping of ${name}`, { body, allowed });
  }

  #ask(
    method: Request['method'],
    path: string,
    what: string,
    { allowed, ...rest }: Pick<Request, 'body' | 'query'> & { readonly allowed?: readonly number[] } = {},
  ): ReturnType<Elastic['ask']> {
    return this.#options.elastic.ask({ method, path, what, ...rest }, allowed);
  }
}

/** A later mapping replaces all of it. */
function metaOf(embedstream: { readonly building: boolean; readonly vectors?: VectorForm | undefined }): Json {
  return { _meta: { embedstream } };
}
