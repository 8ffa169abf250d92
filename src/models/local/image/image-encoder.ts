import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { inputSizeOf, type ImageSize } from '../../catalog/image-preprocessing.ts';
import type { ImageWorkerSettings } from '../messages.ts';
import { openSession } from '../onnx-session.ts';
import { normaliseRows } from '../pooling.ts';

const INPUT = 'pixel_values';
/** One vector an image: CLIP's projection, or what SigLIP's head pools. */
const OUTPUTS = ['image_embeds', 'pooler_output'];

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
      opened.run({ [INPUT]: new Tensor('float32', new Float32Array(3 * height * width), [1, 3, height, width]) }),
    );
    const { inputNames, outputNames } = session;
    if (inputNames.length !== 1 || inputNames[0] !== INPUT)
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
    const { dimension, normalise } = this.#settings;
    const outputs = await this.#session.run({ [INPUT]: new Tensor('float32', pixels, [images, 3, height, width]) });
    const data = outputs[this.#output]?.data;
    if (!(data instanceof Float32Array) || data.length !== images * dimension) {
      const found = `${data?.length ?? 0} values for ${images} images`;
      throw new Error(`the output ${this.#output} has ${found}, where floats of dimension ${dimension} belong`);
    }
    // ONNX Runtime owns `data`: it can't be transferred to another thread, a copy can.
    const vectors = data.slice();
    return { vectors, unusable: normaliseRows(vectors, dimension, normalise) };
  }
}
