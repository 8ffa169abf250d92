import { UsageError } from '../../../errors.ts';
import { scorerOf } from '../../../models/similarity.ts';
import { IMPORTED_PREFIX } from '../../../record/imported.ts';
import type { Metadata, MetadataValue } from '../../../record/types.ts';
import type { OpenStoreOptions, StoreMatch, StoreQuery } from '../port.ts';
import { arrayIn, asObject, type Json, objectIn, textIn } from './answers.ts';
import type { Elastic } from './elastic.ts';

export interface SearchedIndex {
  readonly alias: string;
  /** Of the model's name. */
  readonly field: string;
  readonly hidesVectors: boolean;
  readonly similarity: OpenStoreOptions['similarity'];
  readonly dimension: number;
}

/** What the server takes for one query. */
const MOST_CANDIDATES = 10_000;
/** An index keeps numbers of 8 bits or fewer: of those that are near by these, the nearest are told by the vectors themselves. */
const OVERSAMPLING = 3;
const LEAST_CANDIDATES = 100;
/** Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet" (SIGIR 2009), take 60. */
const RANK_CONSTANT = 60;

/**
 * The documents nearest to a vector, and with `words` those that hold the words, ranked by both: reciprocal rank fusion is
 * done here, since the server's own wants a licence.
 */
export async function searchIndex(
  elastic: Elastic,
  index: SearchedIndex,
  query: StoreQuery,
): Promise<readonly StoreMatch[]> {
  const { limit, words } = query;
  if (limit * OVERSAMPLING > MOST_CANDIDATES)
    throw new UsageError(`--limit must be at most ${Math.floor(MOST_CANDIDATES / OVERSAMPLING)} for Elasticsearch.`);
  if (words === undefined) return nearest(elastic, index, query, limit);
  // What is far down in one ranking may be first by both.
  const depth = Math.min(Math.floor(MOST_CANDIDATES / OVERSAMPLING), Math.max(LEAST_CANDIDATES, limit * OVERSAMPLING));
  const rankings = await Promise.all([
    nearest(elastic, index, query, depth),
    holding(elastic, index, query, words, depth),
  ]);
  return fuse(rankings).slice(0, limit);
}

/** Of several rankings one: a match's score is the sum of 1 / (60 + its rank) over those that have it. */
function fuse(rankings: readonly (readonly StoreMatch[])[]): StoreMatch[] {
  const fused = new Map<string, StoreMatch>();
  for (const ranking of rankings)
    for (const [i, match] of ranking.entries()) {
      const score = (fused.get(match.id)?.score ?? 0) + 1 / (RANK_CONSTANT + i + 1);
      fused.set(match.id, { ...match, score });
    }
  return [...fused.values()].sort((a, b) => b.score - a.score);
}

async function nearest(
  elastic: Elastic,
  index: SearchedIndex,
  query: StoreQuery,
  limit: number,
): Promise<StoreMatch[]> {
  const { field, similarity } = index;
  const candidates = limit * OVERSAMPLING;
  const scorer = scorerOf(similarity, query.vector);
  const hits = await search(elastic, index, query, {
    size: candidates,
    knn: {
      field: `embeddings.${field}`,
      query_vector: [...query.vector],
      k: candidates,
      num_candidates: Math.max(LEAST_CANDIDATES, candidates),
      filter: ofModel(index, query),
    },
    _source: { includes: ['text', 'metadata', `embeddings.${field}`] },
  });
  const found = hits.map((hit): StoreMatch => {
    const source = objectIn(hit, '_source');
    const vector = Float32Array.from(arrayIn(objectIn(source, 'embeddings'), field), Number);
    return { ...matchOf(hit), score: scorer(vector) };
  });
  return found.sort((a, b) => b.score - a.score).slice(0, limit);
}

async function holding(
  elastic: Elastic,
  index: SearchedIndex,
  query: StoreQuery,
  words: string,
  limit: number,
): Promise<StoreMatch[]> {
  // Numbers and dates among the metadata are no reason to refuse words.
  const fields = ['text', 'metadata.*'];
  const hits = await search(elastic, index, query, {
    size: limit,
    query: {
      bool: { must: { multi_match: { query: words, fields, lenient: true } }, filter: ofModel(index, query) },
    },
    _source: { includes: ['text', 'metadata'] },
  });
  return hits.map(matchOf);
}

/** Embeddings of this very model, or imported as such. */
function ofModel({ field }: SearchedIndex, { fingerprint }: StoreQuery): Json {
  const name = `embedded.${field}.fingerprint`;
  return {
    bool: {
      should: [{ term: { [name]: fingerprint } }, { prefix: { [name]: IMPORTED_PREFIX } }],
      minimum_should_match: 1,
    },
  };
}

async function search(
  elastic: Elastic,
  { alias, hidesVectors }: SearchedIndex,
  { signal }: StoreQuery,
  body: Json,
): Promise<readonly Json[]> {
  const answer = await elastic.ask({
    ...{ method: 'POST', path: `/${encodeURIComponent(alias)}/_search`, what: 'the search', signal },
    ...(hidesVectors && { query: { _source_exclude_vectors: false } }),
    body: { ...body, track_total_hits: false },
  });
  return arrayIn(objectIn(answer.body, 'hits'), 'hits').flatMap((hit): Json[] => {
    const object = asObject(hit);
    return object === undefined ? [] : [object];
  });
}

function matchOf(hit: Json): StoreMatch {
  const source = objectIn(hit, '_source');
  const text = textIn(source, 'text');
  const metadata = new Map(Object.entries(objectIn(source, 'metadata') ?? {})) as Metadata & Map<string, MetadataValue>;
  return { id: textIn(hit, '_id') ?? '', score: 0, ...(text !== undefined && { text }), metadata };
}
