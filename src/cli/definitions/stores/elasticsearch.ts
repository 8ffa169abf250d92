import { z } from 'zod';
import { defineFlags } from '../../flags.ts';
import { count, countOrNone, httpUrl } from '../schemas.ts';

const group = 'Elasticsearch';
/** Elasticsearch itself refuses requests of more than 100 MB. */
const bodyBytes = z.number().min(10_000, 'must be at least 10kB').max(90_000_000, 'must be at most 90MB');
const INDEX_OPTIONS = [
  ...['int8_hnsw', 'int4_hnsw', 'bbq_hnsw', 'hnsw'],
  ...['flat', 'int8_flat', 'int4_flat', 'bbq_flat', 'bbq_disk'],
] as const;

export const elasticsearchConnectionFlags = defineFlags({
  esUrl: {
    type: 'string',
    group,
    placeholder: 'URL',
    schema: httpUrl,
    env: ['ELASTICSEARCH_URL'],
    default: 'http://localhost:9200',
    description: 'Where Elasticsearch is',
  },
  esIndex: {
    type: 'string',
    group,
    placeholder: 'NAME',
    default: 'embeddings',
    description: 'Alias to search by; the index behind it is NAME-000001, NAME-000002, …',
  },
  esTlsCa: {
    type: 'string',
    group,
    placeholder: 'FILE',
    env: ['ELASTICSEARCH_TLS_CA'],
    description: "PEM certificate of the authority that signed the server's",
  },
  esRetryFor: {
    type: 'number',
    group,
    placeholder: 'SECONDS',
    schema: z.number().min(0, 'must be at least 0'),
    default: 300,
    description: 'How long a server that is away or busy is asked again',
  },
});

export const elasticsearchWritingFlags = defineFlags({
  esIndexOptions: {
    type: 'string',
    group,
    placeholder: 'KIND',
    choices: INDEX_OPTIONS,
    defaultText: 'int8_hnsw',
    description: 'How a new index finds near vectors',
  },
  esMapping: {
    type: 'list',
    group,
    placeholder: 'FIELD:TYPE',
    description:
      'Types of metadata fields, in place of those that the first records suggest: price:double,released:date',
  },
  esShards: { type: 'number', group, schema: count, default: 1, description: 'Primary shards of a new index' },
  esReplicas: {
    type: 'number',
    group,
    schema: countOrNone,
    description: 'Copies of each shard, once it is filled',
    defaultText: 'one, where there is another node for it',
  },
  esBulkBytes: { type: 'bytes', group, schema: bodyBytes, default: 5_000_000, description: 'Size of a bulk request' },
  esBulkDocuments: { type: 'number', group, schema: count, default: 5_000, description: 'Most documents in one' },
  esInFlight: { type: 'number', group, schema: count.max(64), default: 2, description: 'Bulk requests at once' },
  esListOld: { type: 'boolean', group, description: 'Say which earlier indices are still there' },
  esRemoveOld: { type: 'boolean', group, description: 'Remove earlier indices, but for the one that served until now' },
  esDropModels: {
    type: 'list',
    group,
    placeholder: 'NAME',
    description: 'Models of the present index that a rebuilt one need not have to take its place',
  },
});

export const elasticsearchSecrets: readonly (readonly [names: string, description: string])[] = [
  ['ELASTICSEARCH_API_KEY', 'Encoded API key for Elasticsearch; goes before user and password'],
  ['ELASTICSEARCH_USERNAME, ELASTICSEARCH_PASSWORD', 'Basic authentication at Elasticsearch'],
];
