import { UsageError } from '../../../errors.ts';
import type { StoreOptions } from '../port.ts';

/** What the flags of src/cli/definitions/stores/elasticsearch.ts say. */
export interface ElasticOptions {
  /** PEM file of the authority that signed the server's certificate. */
  readonly tlsCa: string | undefined;
  /** Left out: the server's own choice, int8_hnsw or bbq_hnsw. */
  readonly indexOptions: string | undefined;
  /** Metadata field to Elasticsearch's type. */
  readonly metadataTypes: ReadonlyMap<string, string>;
  readonly shards: number;
  /** Left out: one where there is another node for it. */
  readonly replicas: number | undefined;
  readonly maxBodyBytes: number;
  readonly maxBodyDocuments: number;
  readonly maxInFlight: number;
  /** Longest time that a server that is away or busy is asked again. */
  readonly retryForMs: number;
  readonly removeOld: boolean;
  readonly listOld: boolean;
  /** Models that a rebuild leaves out. */
  readonly dropModels: readonly string[];
}

const MB = 1_000_000;

export function readOptions(options: StoreOptions): ElasticOptions {
  return {
    tlsCa: text(options, 'esTlsCa'),
    indexOptions: text(options, 'esIndexOptions'),
    metadataTypes: parseTypes(list(options, 'esMapping')),
    shards: number(options, 'esShards') ?? 1,
    replicas: number(options, 'esReplicas'),
    maxBodyBytes: number(options, 'esBulkBytes') ?? 5 * MB,
    maxBodyDocuments: number(options, 'esBulkDocuments') ?? 5_000,
    maxInFlight: number(options, 'esInFlight') ?? 2,
    retryForMs: (number(options, 'esRetryFor') ?? 300) * 1000,
    removeOld: options['esRemoveOld'] === true,
    listOld: options['esListOld'] === true,
    dropModels: list(options, 'esDropModels'),
  };
}

/** `price:double`, `released:date`; a colon in the field's name is no trouble, since types have none. */
function parseTypes(items: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    items.map((item): [string, string] => {
      const [, field, type] = /^(.+):([a-z_0-9]+)$/.exec(item) ?? [];
      if (field === undefined || type === undefined)
        throw new UsageError(`--es-mapping=${item} must be FIELD:TYPE, for example price:double.`);
      return [field, type];
    }),
  );
}

function text(options: StoreOptions, key: string): string | undefined {
  const value = options[key];
  return typeof value === 'string' ? value : undefined;
}

function number(options: StoreOptions, key: string): number | undefined {
  const value = options[key];
  return typeof value === 'number' ? value : undefined;
}

function list(options: StoreOptions, key: string): readonly string[] {
  const value = options[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
