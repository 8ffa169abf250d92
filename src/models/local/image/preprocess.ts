import { inputSizeOf, type ImagePreprocessing } from '../../catalog/image-preprocessing.ts';
import { decodeImage, readHeader } from './decode-image.ts';
import { planResize } from './resize-plan.ts';
import { resample } from './resample.ts';

/** Images to what a vision tower reads, (3, height, width) float32 each. */
export class ImagePreprocessor {
  /** Floats of an image. */
  readonly length: number;
  readonly #preprocessing: ImagePreprocessing;
  /** (3, 256): what a channel's value becomes. */
  readonly #normalised: Float32Array;
  readonly #room: PixelRoom;

  constructor(preprocessing: ImagePreprocessing, room = new PixelRoom()) {
    const { width, height } = inputSizeOf(preprocessing);
    const { mean, std, rescale } = preprocessing;
    this.length = 3 * width * height;
    this.#preprocessing = preprocessing;
    this.#room = room;
    this.#normalised = Float32Array.from(
      { length: 3 * 256 },
      (_, i) => ((i & 255) * rescale - (mean[i >> 8] ?? 0)) / (std[i >> 8] ?? 1),
    );
  }

  /**
   * @param to (3, height, width) of this image
   * @throws ImageFault
   */
  async write(bytes: Uint8Array, to: Float32Array): Promise<void> {
    const header = await readHeader(bytes);
    await this.#room.whileHolding(header.width * header.height, async () => {
      const image = await decodeImage(bytes, header);
      const plan = planResize(this.#preprocessing, image);
      this.#writeChannels(resample(image.pixels, image, plan, this.#preprocessing.filter), to);
    });
  }

  /** From (height, width, 3) to (3, height, width). */
  #writeChannels(pixels: Uint8Array, to: Float32Array): void {
    const plane = to.length / 3;
    for (let channel = 0; channel < 3; channel++) {
      const values = channel * 256;
      const start = channel * plane;
      for (let i = 0; i < plane; i++) to[start + i] = this.#normalised[values + (pixels[3 * i + channel] ?? 0)] ?? 0;
    }
  }
}

/** Bounds what is decoded at the same time: small images side by side, a very large one alone. */
export class PixelRoom {
  readonly #most: number;
  #held = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most = 32_000_000) {
    this.#most = most;
  }

  async whileHolding<Result>(pixels: number, body: () => Promise<Result>): Promise<Result> {
    while (this.#held > 0 && this.#held + pixels > this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#held += pixels;
    try {
      return await body();
    } finally {
      this.#held -= pixels;
      for (const resume of this.#waiting.splice(0)) resume();
    }
  }
}
