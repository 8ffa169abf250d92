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
    const length = lengths[row] ?? 0;
    const first = row * padded + (pooling === 'last' ? Math.max(0, length - 1) : 0);
    const tokens = pooling === 'mean' ? length : 1;
    const end = (first + tokens) * dimension;
    for (let token = first * dimension; token < end; token += dimension) {
      for (let i = 0; i < dimension; i++) pooled[to + i] = (pooled[to + i] ?? 0) + (hidden[token + i] ?? 0);
    }
    for (let i = to; i < to + dimension; i++) pooled[i] = (pooled[i] ?? 0) / tokens;
  }
  return pooled;
}

/** Of torch's `layer_norm`. */
const EPSILON = 1e-5;

export interface Shortening {
  /** Numbers of a vector as the model gives it. */
  readonly full: number;
  readonly dimension: number;
  /** Whether a vector is brought to mean 0 and variance 1 before it is cut. */
  readonly layerNorm: boolean;
}

/**
 * The first numbers of each row, for models that were trained so that these are a vector of their own.
 *
 * @param vectors (rows, full)
 * @returns (rows, dimension), always memory of its own: what ONNX Runtime owns can't be transferred to another thread
 */
export function shortenRows(
  vectors: Float32Array,
  { full, dimension, layerNorm }: Shortening,
): Float32Array<ArrayBuffer> {
  if (dimension === full) return new Float32Array(vectors);
  const rows = vectors.length / full;
  const cut = new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row++) {
    const whole = vectors.subarray(row * full, (row + 1) * full);
    let mean = 0;
    let scale = 1;
    if (layerNorm) {
      for (const value of whole) mean += value / full;
      let variance = 0;
      for (const value of whole) variance += (value - mean) ** 2 / full;
      scale = 1 / Math.sqrt(variance + EPSILON);
    }
    for (let i = 0; i < dimension; i++) cut[row * dimension + i] = ((whole[i] ?? 0) - mean) * scale;
  }
  return cut;
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
