import { poisonError, type PipelineError } from '../../errors.ts';
import type { Embedder, EmbedInput, EmbedResult, ModelInfo } from '../port.ts';

/** Moves whenever the same text would get another vector; part of the fingerprint. */
export const HASHED_PREPROCESSING_VERSION = 'hashed-1';

/**
 * An embedder that costs nothing: each text's vector is drawn from a generator seeded with the text's hash. The same
 * text always yields the same vector of length 1; nearness means nothing. It counts a UTF-16 unit as a token.
 */
export function createHashedEmbedder(info: ModelInfo): Embedder {
  return {
    info,
    windowSize: 512,
    embed: async (inputs, options = {}) => {
      options.signal?.throwIfAborted();
      return Promise.resolve(embedByHash(inputs, info.dimension));
    },
    close: () => Promise.resolve(),
  };
}

function embedByHash(inputs: readonly EmbedInput[], dimension: number): EmbedResult {
  const vectors = new Float32Array(inputs.length * dimension);
  const words = new Uint32Array(vectors.buffer);
  const tokenCounts = new Uint32Array(inputs.length);
  const faults = new Map<number, PipelineError>();
  inputs.forEach(({ text }, index) => {
    if (text === undefined) {
      faults.set(index, poisonError('INPUT_NOT_READABLE', 'hashed-384 reads text, and this input has none.'));
      return;
    }
    tokenCounts[index] = text.length;
    writeHashedVector(text, vectors, words, index * dimension, dimension);
  });
  return { vectors, tokenCounts, truncated: new Uint8Array(inputs.length), faults };
}

/** `words` is the same memory as `vectors`: a float's 23 bits of fraction are set directly, which needs no division. */
function writeHashedVector(
  text: string,
  vectors: Float32Array,
  words: Uint32Array,
  start: number,
  dimension: number,
): void {
  let low = 0x811c9dc5 ^ text.length;
  let high = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (low >>> 15) ^ unit, 0x85ebca6b);
  }
  const end = start + dimension;
  // Two sums: each addition would otherwise wait for the one before it.
  let even = 0;
  let odd = 0;
  for (let i = start, counter = low; i < end; i += 2) {
    counter = (counter + 0x9e3779b9) | 0;
    const first = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    const second = Math.imul(first ^ high, 0x735a2d97);
    words[i] = 0x40000000 | ((first ^ high ^ (second >>> 15)) >>> 9); // [2, 4)
    words[i + 1] = 0x40000000 | ((second ^ (first >>> 13)) >>> 9);
    const left = (vectors[i] ?? 0) - 3;
    const right = (vectors[i + 1] ?? 0) - 3;
    vectors[i] = left;
    vectors[i + 1] = right;
    even += left * left;
    odd += right * right;
  }
  const scale = 1 / Math.sqrt(even + odd);
  for (let i = start; i < end; i++) vectors[i] = (vectors[i] ?? 0) * scale;
}
