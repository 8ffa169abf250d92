import { readFileSync } from 'node:fs';
import { fatalError, messageOf, poisonError } from '../errors.ts';
import { isSameOnTheWire, resolverBetween } from './schema-resolution.ts';

export type SchemaName = 'SourceRecord' | 'Embedding' | 'LedgerEntry' | 'ShardDescriptor';

export interface RegisteredSchema {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** The schema as parsed JSON. */
  readonly schema: unknown;
}

/** A schema that an id on the wire stands for. */
interface WriterSchema {
  readonly name: string;
  readonly schema: unknown;
  /** Whether its values are byte for byte as those of our newest version; found out at the first of them. */
  current?: boolean;
}

const FOLDER = new URL('../../schemas/', import.meta.url);
const NAMESPACE = 'embedstream.';
const UNKNOWN_TO_US = 'which this version does not know: update embedstream.';
const UNKNOWN_TO_REGISTRY = 'which the schema registry does not know: it was written without this registry.';

/** The schemas in the repository, each under the id it has had since it was first released. */
export function repositorySchemas(): readonly RegisteredSchema[] {
  try {
    const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
    const index = read('registry.json') as { schemas: (Omit<RegisteredSchema, 'schema'> & { file: string })[] };
    return index.schemas.map(({ file, ...entry }) => ({ ...entry, schema: read(file) }));
  } catch (cause) {
    throw fatalError('CODEC_SCHEMAS_MISSING', `The schemas in ${FOLDER.pathname} can't be read: install again.`, cause);
  }
}

/**
 * Which schema an id on the wire means, which id our values carry, and how a value of another version reads as the
 * newest. Ids come from the repository, or one by one from a registry (`learning`). Several ids may stand for one
 * schema; an id never changes its meaning. Resolvers are made on first use and cached by the writer's id.
 */
export class SchemaRegistry {
  readonly #newest = new Map<string, RegisteredSchema>();
  readonly #writers = new Map<number, WriterSchema>();
  /** The id that our values of a schema carry. */
  readonly #ids = new Map<SchemaName, number>();
  readonly #resolvers = new Map<number, (payload: Uint8Array) => unknown>();
  readonly #unknown: string;

  constructor(
    schemas: readonly RegisteredSchema[] = repositorySchemas(),
    ids: 'repository' | 'learning' = 'repository',
  ) {
    this.#unknown = ids === 'repository' ? UNKNOWN_TO_US : UNKNOWN_TO_REGISTRY;
    for (const schema of schemas) {
      const { name, version } = schema;
      const newer = version >= (this.#newest.get(name)?.version ?? 0);
      if (newer) this.#newest.set(name, schema);
      if (ids === 'learning') continue;
      this.#writers.set(schema.id, { name, schema: schema.schema });
      if (newer) this.#ids.set(name as SchemaName, schema.id);
    }
  }

  /** Knows the newest versions, and no id until it is told of it. */
  static learning(schemas: readonly RegisteredSchema[] = repositorySchemas()): SchemaRegistry {
    return new SchemaRegistry(schemas, 'learning');
  }

  /** The newest version of a schema: what this program writes and what it reads all others as. */
  newest(name: SchemaName): RegisteredSchema {
    const newest = this.#newest.get(name);
    if (newest === undefined) throw fatalError('CODEC_SCHEMAS_MISSING', `No schema "${name}" is registered.`);
    return newest;
  }

  knows(id: number): boolean {
    return this.#writers.has(id);
  }

  /** An id stands for this schema: parsed JSON, ours or anyone's. */
  learn(id: number, schema: unknown): void {
    if (!this.knows(id)) this.#writers.set(id, { name: nameOf(schema), schema });
  }

  /** From now on our values of a schema carry this id. The first one stays: any of its ids is as good. */
  adopt(name: SchemaName, id: number): void {
    this.learn(id, this.newest(name).schema);
    if (!this.#ids.has(name)) this.#ids.set(name, id);
  }

  /** The id that our values of a schema carry; undefined while no registry has given one. */
  idOf(name: SchemaName): number | undefined {
    return this.#ids.get(name);
  }

  /** Whether values of this id are byte for byte as those of the newest version of `name`. */
  isCurrent(id: number, name: SchemaName): boolean {
    const writer = this.#writers.get(id);
    if (writer?.name !== name) return false;
    return (writer.current ??= isSameOnTheWire(writer.schema, this.newest(name).schema));
  }

  /**
   * Decodes the Avro bytes of a value that was written with schema `id` as the newest version of `name`: avsc's form
   * (unions unwrapped, longs beyond 2^53 as bigint).
   */
  resolve(id: number, name: SchemaName, payload: Uint8Array): unknown {
    const writer = this.#writers.get(id);
    if (writer?.name !== name)
      throw poisonError(
        'CODEC_UNKNOWN_SCHEMA',
        writer === undefined
          ? `The value has schema id ${id}, ${this.#unknown}`
          : `The value is a ${writer.name}, where a ${name} belongs.`,
      );
    let resolver = this.#resolvers.get(id);
    if (resolver === undefined) {
      resolver = this.#resolverOf(id, writer.schema, name);
      this.#resolvers.set(id, resolver);
    }
    try {
      return resolver(payload);
    } catch (cause) {
      throw poisonError('CODEC_CORRUPT', `The value is not a valid ${name} of schema id ${id}.`, cause);
    }
  }

  #resolverOf(id: number, writer: unknown, name: SchemaName): (payload: Uint8Array) => unknown {
    try {
      return resolverBetween(writer, this.newest(name).schema);
    } catch (cause) {
      throw poisonError(
        'CODEC_UNKNOWN_SCHEMA',
        `The value has schema id ${id}, a ${name} that this version can't read (${messageOf(cause)}): update embedstream.`,
        cause,
      );
    }
  }
}

/** Ours by their short names, others by their full ones. */
function nameOf(schema: unknown): string {
  if (typeof schema === 'string') return schema;
  const { name, namespace, type } = (schema ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string') return `nameless ${typeof type === 'string' ? type : 'schema'}`;
  const full = name.includes('.') || typeof namespace !== 'string' ? name : `${namespace}.${name}`;
  return full.startsWith(NAMESPACE) ? full.slice(NAMESPACE.length) : `"${full}"`;
}
