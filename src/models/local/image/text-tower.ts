import { fatalError, type PipelineError } from '../../../errors.ts';
import type { ModelFacts, TextTowerWeights } from '../../catalog/entry.ts';
import type { Embedder, EmbedInput, EmbedOptions, EmbedResult } from '../../port.ts';
import { createLocalEmbedder } from '../local-embedder.ts';

type EmbedImages = (inputs: readonly EmbedInput[]) => Promise<EmbedResult>;

/** The text tower of a model that embeds images: one worker, loaded when the first text comes. */
export class TextTower {
  readonly #model: ModelFacts;
  readonly #weights: TextTowerWeights;
  #loaded: Promise<Embedder> | undefined;
  #closed = false;

  constructor(model: ModelFacts, weights: TextTowerWeights) {
    this.#model = model;
    this.#weights = weights;
  }

  /** Inputs of text alone go to this tower, all others to `embedImages`; the result is in the order of the inputs. */
  async embedBeside(
    embedImages: EmbedImages,
    inputs: readonly EmbedInput[],
    options: EmbedOptions,
  ): Promise<EmbedResult> {
    const ofText = inputs.flatMap(({ text, image }, i) => (text !== undefined && image === undefined ? [i] : []));
    if (ofText.length === 0) return embedImages(inputs);
    const isText = new Set(ofText);
    const others = [...inputs.keys()].filter((i) => !isText.has(i));
    const [images, texts] = await Promise.all([
      embedImages(pick(inputs, others)),
      this.#embedTexts(pick(inputs, ofText), options),
    ]);
    return merge(inputs.length, this.#model.dimension, [
      [others, images],
      [ofText, texts],
    ]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    // A tower that did not load has nothing to close.
    const loaded = await this.#loaded?.catch(() => undefined);
    await loaded?.close();
  }

  async #embedTexts(inputs: readonly EmbedInput[], options: EmbedOptions): Promise<EmbedResult> {
    if (this.#closed) throw fatalError('EMBEDDER_CLOSED', `The model ${this.#model.name} has been closed.`);
    const { maxTokens, weights } = this.#weights;
    this.#loaded ??= createLocalEmbedder({ ...this.#model, kinds: ['text'], maxTokens, weights }, { workers: 1 });
    return (await this.#loaded).embed(inputs, options);
  }
}

function pick(inputs: readonly EmbedInput[], indexes: readonly number[]): EmbedInput[] {
  return indexes.map((i) => inputs[i] ?? {});
}

function merge(
  count: number,
  dimension: number,
  parts: readonly (readonly [indexes: readonly number[], result: EmbedResult])[],
): EmbedResult {
  const vectors = new Float32Array(count * dimension);
  const tokenCounts = new Uint32Array(count);
  const truncated = new Uint8Array(count);
  const faults = new Map<number, PipelineError>();
  for (const [indexes, result] of parts) {
    indexes.forEach((index, row) => {
      vectors.set(result.vectors.subarray(row * dimension, (row + 1) * dimension), index * dimension);
      tokenCounts[index] = result.tokenCounts[row] ?? 0;
      truncated[index] = result.truncated[row] ?? 0;
      const fault = result.faults.get(row);
      if (fault !== undefined) faults.set(index, fault);
    });
  }
  return { vectors, tokenCounts, truncated, faults };
}
