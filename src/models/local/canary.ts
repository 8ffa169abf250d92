import { fatalError } from '../../errors.ts';
import type { Embedder } from '../port.ts';

const TEXTS = ['a bronze vessel with a dragon', 'The train to the coast leaves at nine.'] as const;

/**
 * Two texts must give two finite vectors of length 1 that differ, and the same text the same vector again: a runtime
 * that yields nothing, or the same for every input, was seen to do so quietly.
 *
 * @throws PipelineError MODEL_CANARY_FAILED
 */
export async function checkCanary(embedder: Embedder, normalised: boolean): Promise<void> {
  const { dimension, name } = embedder.info;
  const both = await embedder.embed(TEXTS.map((text) => ({ text })));
  const again = await embedder.embed([{ text: TEXTS[0] }]);
  const first = both.vectors.subarray(0, dimension);
  const second = both.vectors.subarray(dimension);
  const reason =
    both.faults.values().next().value?.message ??
    again.faults.values().next().value?.message ??
    (normalised && [first, second].some((vector) => Math.abs(Math.hypot(...vector) - 1) > 1e-3)
      ? 'its vectors are not of length 1'
      : cosine(first, second) > 0.9999
        ? 'it gives two different texts the same vector'
        : cosine(first, again.vectors) < 0.99999
          ? 'it gives the same text different vectors'
          : undefined);
  if (reason === undefined) return;
  throw fatalError(
    'MODEL_CANARY_FAILED',
    `The model ${name} was loaded but does not work: ${reason}. Its weights, graph or tokenizer do not fit together.`,
  );
}

function cosine(left: Float32Array, right: Float32Array): number {
  const dot = left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
  return dot / (Math.hypot(...left) * Math.hypot(...right));
}
