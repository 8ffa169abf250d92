import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { inputSizeOf, type ImageSize } from '../../catalog/image-preprocessing.ts';
import type { ImageWorkerSettings } from '../messages.ts';
import { openSession } from '../onnx-session.ts';
import { normaliseRows, shortenRows } from '../pooling.ts';
import { floatsOf } from '../tensor-floats.ts';

const INPUT = 'pixel_values';
/** One vector an image: CLIP's projection, or what SigLIP's head pools. */
const OUTPUTS = ['image_embeds', 'l2norm_image_embeddings', 'pooler_output'];
/** Of a graph that is for texts, too, and wants one beside each image. */
const TEXT_INPUT = 'input_ids';

/** Pixels to vectors. */
export class ImageEncoder {
  readonly #session: InferenceSession;
  readonly #settings: ImageWorkerSettings;
  readonly #output: string;

  private constructor(session: InferenceSession, settings: ImageWorkerSettings, output: string) {
    this.#session = session;
    this.#settings = settings;
    this.#output = output;
  }

  static async load(settings: ImageWorkerSettings): Promise<ImageEncoder> {
    const { width, height } = inputSizeOf(settings.preprocessing);
    const session = await openSession(settings, (opened) =>
      opened.run(feedsOf(opened, new Float32Array(3 * height * width), [1, 3, height, width])),
    );
    const { inputNames, outputNames } = session;
    if (!inputNames.includes(INPUT) || inputNames.some((name) => name !== INPUT && name !== TEXT_INPUT))
      throw new Error(`the graph of a vision tower takes ${INPUT} alone, this one takes ${inputNames.join(', ')}`);
    const output = OUTPUTS.find((name) => outputNames.includes(name));
    if (output === undefined)
      throw new Error(`the graph gives none of ${OUTPUTS.join(', ')}, but ${outputNames.join(', ')}`);
    return new ImageEncoder(session, settings, output);
  }

  /**
   * @param pixels (images, 3, height, width), normalised
   * @returns vectors (images, dimension), and the rows that are none
   */
  async embed(
    pixels: Float32Array,
    images: number,
    { width, height }: ImageSize,
  ): Promise<{ readonly vectors: Float32Array; readonly unusable: number[] }> {
    const { dimension, fullDimension: full, layerNorm, normalise } = this.#settings;
    const outputs = await this.#session.run(feedsOf(this.#session, pixels, [images, 3, height, width]));
    const values = floatsOf(outputs[this.#output]);
    if (values?.length !== images * full) {
      const found = `${values?.length ?? 0} values for ${images} images`;
      throw new Error(`the output ${this.#output} has ${found}, where floats of dimension ${full} belong`);
    }
    const vectors = shortenRows(values, { full, dimension, layerNorm });
    return { vectors, unusable: normaliseRows(vectors, dimension, normalise) };
  }
}

/** A token of no meaning for each image where the graph wants one: it takes no batch of none. */
function feedsOf(session: InferenceSession, pixels: Float32Array, shape: readonly number[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = { [INPUT]: new Tensor('float32', pixels, shape) };
  const images = shape[0] ?? 0;
  if (session.inputNames.includes(TEXT_INPUT))
    feeds[TEXT_INPUT] = new Tensor('int64', new BigInt64Array(images).fill(1n), [images, 1]);
  return feeds;
}
