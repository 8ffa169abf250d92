/** From token vectors to one unit vector a row. Pure, tight loops: this runs once a batch in each worker. */
import type { Pooling } from '../catalog/entry.ts';

/**
 * @param hidden (rows, padded, dimension), the model's last hidden state
 * @param lengths (rows,) tokens of each row that count: the attention mask, as padding is always at the end
 * @returns (rows, dimension)
 */
export function pool(
  hidden: Float32Array,
  lengths: Uint32Array,
  padded: number,
  dimension: number,
  pooling: Pooling,
): Float32Array {
  const rows = lengths.length;
  const pooled = new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row++) {
    const to = row * dimension;
    const tokens = pooling === 'cls' ? 1 : (lengths[row] ?? 0);
    const end = (row * padded + tokens) * dimension;
    for (let token = row * padded * dimension; token < end; token += dimension) {
      for (let i = 0; i < dimension; i++) pooled[to + i] = (pooled[to + i] ?? 0) + (hidden[token + i] ?? 0);
    }
    for (let i = to; i < to + dimension; i++) pooled[i] = (pooled[i] ?? 0) / tokens;
  }
  return pooled;
}

/**
 * Brings each row to length 1 in place (only where `normalise` is set) and looks for rows that are no vectors.
 *
 * @param vectors (rows, dimension)
 * @returns the rows that are not finite, or have no direction
 */
export function normaliseRows(vectors: Float32Array, dimension: number, normalise: boolean): number[] {
  const unusable: number[] = [];
  for (let start = 0; start < vectors.length; start += dimension) {
    let sum = 0;
    for (let i = start; i < start + dimension; i++) sum += (vectors[i] ?? 0) ** 2;
    if (!Number.isFinite(sum) || sum === 0) {
      unusable.push(start / dimension);
    } else if (normalise) {
      const scale = 1 / Math.sqrt(sum);
      for (let i = start; i < start + dimension; i++) vectors[i] = (vectors[i] ?? 0) * scale;
    }
  }
  return unusable;
}
