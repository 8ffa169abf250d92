import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Avsc from 'avsc';
import { fatalError, poisonError } from '../errors.ts';

export type SchemaName = 'SourceRecord' | 'Embedding' | 'LedgerEntry' | 'ShardDescriptor';

export interface RegisteredSchema {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** The schema as parsed JSON. */
  readonly schema: unknown;
}

const FOLDER = new URL('../../schemas/', import.meta.url);

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
 * The embedded registry: which schema an id on the wire means, and how a value of an older version reads as the
 * newest. Resolvers are made on first use and cached by the writer's id.
 */
export class SchemaRegistry {
  readonly #schemas = new Map<number, RegisteredSchema>();
  readonly #resolvers = new Map<number, (payload: Uint8Array) => unknown>();

  constructor(schemas: readonly RegisteredSchema[] = repositorySchemas()) {
    for (const schema of schemas) this.#schemas.set(schema.id, schema);
  }

  /** The newest version of a schema. */
  newest(name: SchemaName): RegisteredSchema {
    let newest: RegisteredSchema | undefined;
    for (const schema of this.#schemas.values())
      if (schema.name === name && schema.version >= (newest?.version ?? 0)) newest = schema;
    if (newest === undefined) throw fatalError('CODEC_SCHEMAS_MISSING', `No schema "${name}" is registered.`);
    return newest;
  }

  /**
   * Decodes the Avro bytes of a value that was written with schema `id` as the newest version of `name`: avsc's form
   * (unions unwrapped, longs beyond 2^53 as bigint).
   */
  resolve(id: number, name: SchemaName, payload: Uint8Array): unknown {
    let resolver = this.#resolvers.get(id);
    if (resolver === undefined) {
      const writer = this.#schemas.get(id);
      if (writer?.name !== name)
        throw poisonError(
          'CODEC_UNKNOWN_SCHEMA',
          writer === undefined
            ? `The value has schema id ${id}, which this version does not know: update embedstream.`
            : `The value is a ${writer.name}, where a ${name} belongs.`,
        );
      resolver = resolverOf(writer, this.newest(name));
      this.#resolvers.set(id, resolver);
    }
    try {
      return resolver(payload);
    } catch (cause) {
      throw poisonError('CODEC_CORRUPT', `The value is not a valid ${name} of schema id ${id}.`, cause);
    }
  }
}

// Loaded when the first value of another version is met, which most runs never see.
function resolverOf(writer: RegisteredSchema, reader: RegisteredSchema): (payload: Uint8Array) => unknown {
  const avro = createRequire(import.meta.url)('avsc') as typeof Avsc;
  const long = avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => narrow(bytes.readBigInt64LE()),
    toBuffer: (value: number | bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: (value: number) => value,
    toJSON: (value: number | bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
    compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
  const parse = (schema: unknown): Avsc.Type =>
    avro.Type.forSchema(structuredClone(schema) as Parameters<typeof avro.Type.forSchema>[0], {
      registry: { long },
      wrapUnions: 'always',
    });
  const writerType = parse(writer.schema);
  const readerType = parse(reader.schema);
  const resolver = readerType.createResolver(writerType);
  return (payload): unknown =>
    readerType.fromBuffer(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), resolver);
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
