import type { Similarity } from './catalog/entry.ts';

/** How near a vector is to the query: higher is nearer. */
export type Scorer = (vector: Float32Array) => number;

/**
 * Nearness to a (D,) query by a model's own measure: the cosine, -1 to 1; the dot product; or the negative Euclidean
 * distance, as sentence-transformers has it.
 */
export function scorerOf(similarity: Similarity, query: Float32Array): Scorer {
  if (similarity === 'dot') return (vector) => dotProduct(query, vector);
  if (similarity === 'euclidean') return (vector) => -distance(query, vector);
  const queryLength = Math.sqrt(dotProduct(query, query));
  return (vector) => {
    const lengths = queryLength * Math.sqrt(dotProduct(vector, vector));
    // A vector of zeros points nowhere.
    return lengths === 0 ? 0 : dotProduct(query, vector) / lengths;
  };
}

function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return Math.sqrt(sum);
}
