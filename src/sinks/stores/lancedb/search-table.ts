import type { DistanceType, LanceTable } from './api.ts';
import { scorerOf } from '../../../models/similarity.ts';
import { IMPORTED_PREFIX } from '../../../record/imported.ts';
import type { MetadataValue } from '../../../record/types.ts';
import { UsageError } from '../../../errors.ts';
import type { OpenStoreOptions, StoreMatch, StoreQuery } from '../port.ts';

/** An index holds fewer bits of each number: so many times more rows are compared by the vectors themselves. */
const REFINED = 3;
/** What an index of HNSW looks at for each row that is asked for. */
const LOOKED_AT = 2;
const LEAST_LOOKED_AT = 100;

/** The rows nearest to a vector: without an index exactly those, with one nearly all of them. */
export async function searchTable(
  table: LanceTable,
  distance: DistanceType,
  { similarity }: Pick<OpenStoreOptions, 'similarity'>,
  { vector, limit, fingerprint, words, signal }: StoreQuery,
): Promise<readonly StoreMatch[]> {
  if (words !== undefined) throw new UsageError('--hybrid is for --backend=elasticsearch.');
  const scorer = scorerOf(similarity, vector);
  const nearest = table
    .vectorSearch(vector)
    .distanceType(distance)
    .where(`fingerprint = '${fingerprint}' OR starts_with(fingerprint, '${IMPORTED_PREFIX}')`)
    .refineFactor(REFINED)
    .ef(Math.max(LEAST_LOOKED_AT, limit * REFINED * LOOKED_AT))
    .select(['id', 'vector', 'text', 'metadata'])
    .limit(limit);
  const matches: StoreMatch[] = [];
  for await (const batch of nearest) {
    signal?.throwIfAborted();
    const [ids, vectors, texts, metadata] = ['id', 'vector', 'text', 'metadata'].map((name) => batch.getChild(name));
    for (let i = 0; i < batch.numRows; i++) {
      const text: unknown = texts?.get(i);
      matches.push({
        id: String(ids?.get(i)),
        score: scorer(Float32Array.from(vectors?.get(i) as Iterable<number>)),
        ...(typeof text === 'string' && { text }),
        metadata: new Map(Object.entries(JSON.parse(String(metadata?.get(i))) as Record<string, MetadataValue>)),
      });
    }
  }
  return matches.sort((one, other) => other.score - one.score);
}
