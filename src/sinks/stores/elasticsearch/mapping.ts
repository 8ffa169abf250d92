import { embeddedAtField, modelField } from './fields.ts';

/** Of strings: to be searched by word and, up to this length, to be filtered and counted as they are. */
const KEYWORD_CHARS = 256;
const TEXT = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: KEYWORD_CHARS } } } as const;

export type ModelState = 'new' | 'filling' | 'complete';

export interface ModelMapping {
  readonly model: string;
  readonly dimension: number;
  /** Elasticsearch's name. */
  readonly similarity: string;
  /** `int8_hnsw` */
  readonly indexOptions: string;
}

/** Dot products of Elasticsearch's own "dot_product" are of unit vectors alone. */
export function elasticSimilarity(similarity: 'cosine' | 'dot' | 'euclidean'): string {
  return { cosine: 'cosine', dot: 'max_inner_product', euclidean: 'l2_norm' }[similarity];
}

/** The fields of records. What is not named is in the document and not searched. */
export const RECORD_MAPPING = {
  dynamic: false,
  properties: {
    source: { type: 'keyword' },
    text: TEXT,
    // Names of metadata may hold dots, and then are no objects: `a` and `a.b` can be there both.
    metadata: { type: 'object', subobjects: false, dynamic: false, properties: {} },
    page: { type: 'integer' },
    chunk: { type: 'integer' },
    image: { properties: { mime: { type: 'keyword' }, uri: { type: 'keyword', ignore_above: 1024 } } },
    createdAt: { type: 'date', format: 'epoch_millis' },
    deleted: { type: 'boolean' },
  },
} as const;

/** The fields of a model. What is known of its filling stands beside them, where two models' processes don't meet. */
export function modelFields(
  { model, dimension, similarity, indexOptions }: ModelMapping,
  state: ModelState,
): Readonly<Record<string, unknown>> {
  const field = modelField(model);
  const vector = {
    ...{ type: 'dense_vector', dims: dimension, index: true, similarity },
    index_options: { type: indexOptions },
    meta: { model, state },
  };
  const embedded = {
    properties: {
      createdAt: { type: 'date', format: 'epoch_millis' },
      fingerprint: { type: 'keyword' },
    },
  };
  return { embeddings: { properties: { [field]: vector } }, embedded: { properties: { [field]: embedded } } };
}

/** There where a model's embedding is. */
export function hasEmbedding(field: string): { readonly exists: { readonly field: string } } {
  return { exists: { field: embeddedAtField(field) } };
}

/** The mapping of a metadata field of a type that the user names. */
export function namedType(type: string): Readonly<Record<string, unknown>> {
  return type === 'text' ? TEXT : { type };
}

/**
 * The mapping of a metadata field by the first values that it has; undefined where all of them are null.
 *
 * Whole numbers become `long`, which refuses a fraction rather than cutting it off.
 */
export function inferredType(values: Iterable<unknown>): Readonly<Record<string, unknown>> | undefined {
  const kinds = new Set<string>();
  for (const value of values) if (value !== null) kinds.add(kindOf(value));
  if (kinds.size === 0) return undefined;
  if (kinds.size === 1 && kinds.has('boolean')) return { type: 'boolean' };
  if (kinds.has('boolean') || kinds.has('string')) return TEXT;
  return kinds.has('double') ? { type: 'double' } : { type: 'long', coerce: false };
}

function kindOf(value: unknown): 'boolean' | 'long' | 'double' | 'string' {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'bigint') return 'long';
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'double';
  return 'string';
}
