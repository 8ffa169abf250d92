import type { PipelineError } from '../errors.ts';
import type { EmbedInput, EmbedResult, Embedder } from './port.ts';

/** Windows a local model has before it: none of its workers waits while a caller takes results. */
const DEFAULT_IN_FLIGHT = 3;

export interface EmbedStreamOptions {
  /** After each window: inputs embedded so far, and how many there are where that is known. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number | undefined }) => void;
  readonly signal?: AbortSignal;
  /** Some models read documents and queries differently. Default `document`. */
  readonly as?: 'document' | 'query';
}

/** One input's outcome: a vector, or the error that says why it has none. */
export type Embedded<Input> =
  | {
      readonly input: Input;
      /** (D,) float32. */
      readonly vector: Float32Array;
      readonly tokenCount: number;
      readonly truncated: boolean;
    }
  | { readonly input: Input; readonly error: PipelineError };

/**
 * Embeds texts (or inputs) as they come, in bounded memory, and yields one outcome for each in the same order. An
 * input that can't be embedded is yielded with its error; a fault of the world (a worker died) is thrown.
 */
export async function* embedStream<Input extends string | EmbedInput>(
  embedder: Embedder,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  options: EmbedStreamOptions = {},
): AsyncGenerator<Embedded<Input>, void, undefined> {
  const { onProgress, signal, as = 'document' } = options;
  const total = Array.isArray(inputs) ? inputs.length : undefined;
  const inFlight: { readonly window: readonly Input[]; readonly result: Promise<EmbedResult> }[] = [];
  let done = 0;

  async function* takeOldest(): AsyncGenerator<Embedded<Input>, void, undefined> {
    const oldest = inFlight.shift();
    if (oldest === undefined) return;
    const result = await oldest.result;
    done += oldest.window.length;
    onProgress?.({ done, total });
    yield* outcomes(oldest.window, result, embedder.info.dimension);
  }

  try {
    for await (const window of windows(inputs, embedder.windowSize)) {
      const texts = window.map((input): EmbedInput => (typeof input === 'string' ? { text: input } : input));
      const result = embedder.embed(texts, { as, ...(signal && { signal }) });
      // Met when its turn comes; until then a rejection must not count as unhandled.
      result.catch(() => undefined);
      inFlight.push({ window, result });
      if (inFlight.length >= (embedder.windowsInFlight ?? DEFAULT_IN_FLIGHT)) yield* takeOldest();
    }
    while (inFlight.length > 0) yield* takeOldest();
  } finally {
    await Promise.allSettled(inFlight.map(({ result }) => result));
  }
}

/**
 * Embeds all texts and answers with their vectors, (D,) each, in the same order.
 *
 * @throws PipelineError of the first text that can't be embedded.
 */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  options: EmbedStreamOptions = {},
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const outcome of embedStream(embedder, texts, options)) {
    if ('error' in outcome) throw outcome.error;
    vectors.push(outcome.vector);
  }
  return vectors;
}

function* outcomes<Input>(
  window: readonly Input[],
  { vectors, tokenCounts, truncated, faults }: EmbedResult,
  dimension: number,
): Generator<Embedded<Input>> {
  for (const [i, input] of window.entries()) {
    const error = faults.get(i);
    if (error !== undefined) yield { input, error };
    else {
      const vector = vectors.slice(i * dimension, (i + 1) * dimension);
      yield { input, vector, tokenCount: tokenCounts[i] ?? 0, truncated: truncated[i] === 1 };
    }
  }
}

async function* windows<Input>(inputs: Iterable<Input> | AsyncIterable<Input>, size: number): AsyncGenerator<Input[]> {
  let window: Input[] = [];
  for await (const input of inputs) {
    window.push(input);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}
