/** Reading and comparing vectors in tests. */
import { readFile } from 'node:fs/promises';

/** (N, D) float32, C order. */
export async function readFloat32Npy(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

export function rowOf(vectors: Float32Array, row: number, dimension: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}

export function cosine(left: Float32Array, right: Float32Array): number {
  let dot = 0;
  left.forEach((value, i) => (dot += value * right[i]!));
  return dot / (Math.hypot(...left) * Math.hypot(...right));
}

/** The least cosine between rows of the same number. */
export function leastCosine(left: Float32Array, right: Float32Array, dimension: number): number {
  const rows = left.length / dimension;
  return Math.min(
    ...Array.from({ length: rows }, (_, row) => cosine(rowOf(left, row, dimension), rowOf(right, row, dimension))),
  );
}
