/** The worker thread for images: decodes them, brings them to the model's size and runs batches. */
import { workerData } from 'node:worker_threads';
import { inputSizeOf } from '../../catalog/image-preprocessing.ts';
import type { EmbeddedRows, EmbedImagesRequest, ImageWorkerSettings } from '../messages.ts';
import { serveWorker } from '../serve-worker.ts';
import { ImageFault } from './decode-image.ts';
import { ImageEncoder } from './image-encoder.ts';
import { ImagePreprocessor } from './preprocess.ts';

type Refusals = Exclude<EmbeddedRows['refused'], undefined>;

interface Decoded {
  /** (images that could be read, 3, height, width) */
  readonly pixels: Float32Array;
  /** Their rows in the request. */
  readonly rows: readonly number[];
  readonly refused: Refusals;
}

serveWorker<EmbedImagesRequest>(async () => {
  // InferenceWorkers started it with them.
  const settings = workerData as ImageWorkerSettings;
  const preprocessor = new ImagePreprocessor(settings.preprocessing);
  const encoder = await ImageEncoder.load(settings);
  const size = inputSizeOf(settings.preprocessing);
  /** Requests that have come and wait for their turn: decoding is done by other threads meanwhile. */
  const decoding = new Map<number, Promise<Decoded>>();

  return {
    pads: false,
    prepare: ({ id, images }) => {
      const decoded = decode(preprocessor, images);
      // Met when its turn comes; until then a rejection must not count as unhandled.
      decoded.catch(() => undefined);
      decoding.set(id, decoded);
    },
    answer: async ({ id, images }) => {
      const decoded = decoding.get(id) ?? decode(preprocessor, images);
      decoding.delete(id);
      const { pixels, rows, refused } = await decoded;
      const vectors = new Float32Array(images.length * settings.dimension);
      const unusable: number[] = [];
      if (rows.length > 0) {
        const embedded = await encoder.embed(pixels, rows.length, size);
        rows.forEach((row, index) => {
          const from = index * settings.dimension;
          vectors.set(embedded.vectors.subarray(from, from + settings.dimension), row * settings.dimension);
        });
        for (const index of embedded.unusable) unusable.push(rows[index] ?? index);
      }
      return { reply: { kind: 'embedded', id, vectors, unusable, refused }, moved: [vectors.buffer] };
    },
  };
});

async function decode(preprocessor: ImagePreprocessor, images: readonly Uint8Array[]): Promise<Decoded> {
  const { length } = preprocessor;
  const pixels = new Float32Array(images.length * length);
  const outcomes = await Promise.allSettled(
    images.map((image, row) => preprocessor.write(image, pixels.subarray(row * length, (row + 1) * length))),
  );
  const rows: number[] = [];
  const refused: { row: number; code: string; reason: string }[] = [];
  outcomes.forEach((outcome, row) => {
    if (outcome.status === 'fulfilled') {
      // Those that could be read move together.
      pixels.copyWithin(rows.length * length, row * length, (row + 1) * length);
      rows.push(row);
    } else if (outcome.reason instanceof ImageFault) {
      refused.push({ row, code: outcome.reason.code, reason: outcome.reason.message });
    } else {
      throw outcome.reason;
    }
  });
  return { pixels: pixels.subarray(0, rows.length * length), rows, refused };
}
