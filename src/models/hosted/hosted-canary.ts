import { fatalError } from '../../errors.ts';
import type { Embedder } from '../port.ts';

export const CANARY_TEXTS = ['a bronze vessel with a dragon', 'The train to the coast leaves at nine.'] as const;
const SAME = 0.9999;

/**
 * Two texts, in one request where the API allows it, must give two vectors that differ: shows at the start that the
 * key, the model and the dimension are right, and teaches the limits before the first batch. That they are finite and
 * of the right dimension has been checked where they were read.
 *
 * @throws PipelineError MODEL_CANARY_FAILED, and all that `embed` rejects with.
 */
export async function checkHostedCanary(embedder: Embedder): Promise<void> {
  const { dimension, name } = embedder.info;
  const { vectors, faults } = await embedder.embed(CANARY_TEXTS.map((text) => ({ text })));
  const first = vectors.subarray(0, dimension);
  const second = vectors.subarray(dimension);
  const reason =
    faults.values().next().value?.message ??
    (cosine(first, second) > SAME ? 'it gives two different texts the same vector' : undefined);
  if (reason === undefined) return;
  throw fatalError('MODEL_CANARY_FAILED', `The model ${name} was asked for two vectors, and does not work: ${reason}`);
}

function cosine(left: Float32Array, right: Float32Array): number {
  const dot = left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
  return dot / (Math.hypot(...left) * Math.hypot(...right));
}
