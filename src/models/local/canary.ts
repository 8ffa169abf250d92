import { asClause, fatalError } from '../../errors.ts';
import type { Embedder, EmbedInput } from '../port.ts';

export type CanaryInputs = readonly [EmbedInput, EmbedInput];

export const TEXT_CANARIES: CanaryInputs = [
  { text: 'a bronze vessel with a dragon' },
  { text: 'The train to the coast leaves at nine.' },
];

/**
 * Two inputs must give two finite vectors of length 1 that differ, and the same input the same vector again: a runtime
 * that yields nothing, or the same for every input, was seen to do so quietly.
 *
 * @throws PipelineError MODEL_CANARY_FAILED
 */
export async function checkCanary(embedder: Embedder, inputs: CanaryInputs, normalised: boolean): Promise<void> {
  const { dimension, name } = embedder.info;
  const unit = inputs[0].text === undefined ? 'image' : 'text';
  const both = await embedder.embed(inputs);
  const again = await embedder.embed([inputs[0]]);
  const first = both.vectors.subarray(0, dimension);
  const second = both.vectors.subarray(dimension);
  const reason =
    both.faults.values().next().value?.message ??
    again.faults.values().next().value?.message ??
    (normalised && [first, second].some((vector) => Math.abs(Math.hypot(...vector) - 1) > 1e-3)
      ? 'its vectors are not of length 1'
      : cosine(first, second) > 0.9999
        ? `it gives two different ${unit}s the same vector`
        : cosine(first, again.vectors) < 0.99999
          ? `it gives the same ${unit} different vectors`
          : undefined);
  if (reason === undefined) return;
  throw fatalError(
    'MODEL_CANARY_FAILED',
    `The model ${name} was loaded but does not work: ${asClause(reason)}. Its files do not fit together.`,
  );
}

function cosine(left: Float32Array, right: Float32Array): number {
  const dot = left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
  return dot / (Math.hypot(...left) * Math.hypot(...right));
}
