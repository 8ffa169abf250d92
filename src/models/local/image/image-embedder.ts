import { join } from 'node:path';
import type { ModelFacts, VisionWeights } from '../../catalog/entry.ts';
import { fullDimension } from '../../catalog/shorter-vectors.ts';
import { describeEntry } from '../../describe-model.ts';
import type { Embedder, EmbedInput, EmbedOptions, EmbedResult, ModelInfo } from '../../port.ts';
import { BatchScheduler } from '../batch-scheduler.ts';
import { checkCanary } from '../canary.ts';
import type { Job } from '../inference-workers.ts';
import type { ImageWorkerSettings } from '../messages.ts';
import { openWorkers, type ExecutionOptions } from '../open-workers.ts';
import { IMAGE_CANARIES } from './canary-images.ts';
import { ImagePool } from './image-pool.ts';
import { ImageWindow, type ImageRow } from './image-window.ts';
import { TextTower } from './text-tower.ts';

export type VisionModel = ModelFacts & { readonly weights: VisionWeights };

/** Images that fill the batches of a few workers; a caller keeps two or three such windows in flight. */
const WINDOW_SIZE = 64;
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * Loads the vision tower of a model of CLIP's kind into worker threads, and checks that it works. Inputs that have an
 * image are embedded by it, inputs of text alone by the text tower, which is loaded when the first of them comes.
 *
 * @throws PipelineError MODEL_LOAD_FAILED, DEVICE_UNAVAILABLE, MODEL_CANARY_FAILED; its `embed` rejects with MODEL_FAILED
 * when a worker has died and with EMBEDDER_CLOSED after `close`.
 */
export async function createImageEmbedder(model: VisionModel, options: ExecutionOptions = {}): Promise<Embedder> {
  const { folder, graph, preprocessing, tokensPerImage } = model.weights;
  const settings = {
    model: model.name,
    graphPath: join(folder, graph),
    dimension: model.dimension,
    fullDimension: fullDimension(model),
    layerNorm: model.matryoshka?.layerNorm ?? false,
    normalise: model.normalise,
    preprocessing,
  } satisfies Omit<ImageWorkerSettings, 'device' | 'threads'>;
  const describing = describeEntry(model);
  // Met below; until then a rejection must not count as unhandled.
  describing.catch(() => undefined);
  const { workers, batchTokens } = await openWorkers(settings, model.weights, { ...options, script: workerScript });
  const info = await describing.catch(async (error: unknown) => {
    await workers.close();
    throw error;
  });
  const batchImages = Math.max(1, Math.min(WINDOW_SIZE, Math.floor(batchTokens / tokensPerImage)));
  const pool = new ImagePool<ImageRow>({ batchImages, batchBytes: BATCH_BYTES });
  const copyOf = (row: ImageRow): ImageRow => ({ ...row, bytes: new Uint8Array(row.bytes) });
  const scheduler = new BatchScheduler<ImageRow>({ workers, pool, model: model.name, unit: 'image', jobOf, copyOf });
  const embedder = new ImageEmbedder(model, info, scheduler);
  try {
    await checkCanary(embedder, IMAGE_CANARIES, model.normalise);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return embedder;
}

const workerScript = new URL(
  import.meta.url.endsWith('.ts') ? './image-worker.ts' : './image-worker.js',
  import.meta.url,
);

class ImageEmbedder implements Embedder {
  readonly info: ModelInfo;
  readonly windowSize = WINDOW_SIZE;
  readonly #tokensPerImage: number;
  readonly #scheduler: BatchScheduler<ImageRow>;
  readonly #textTower: TextTower | undefined;

  constructor(model: VisionModel, info: ModelInfo, scheduler: BatchScheduler<ImageRow>) {
    this.info = info;
    this.#tokensPerImage = model.weights.tokensPerImage;
    this.#scheduler = scheduler;
    this.#textTower = model.weights.textTower && new TextTower(model, model.weights.textTower);
  }

  async embed(inputs: readonly EmbedInput[], options: EmbedOptions = {}): Promise<EmbedResult> {
    options.signal?.throwIfAborted();
    const embedImages = (images: readonly EmbedInput[]): Promise<EmbedResult> => {
      const window = new ImageWindow(images, this.info.dimension, this.#tokensPerImage, this.info.name);
      return this.#scheduler.run(window, options.signal);
    };
    return this.#textTower === undefined
      ? embedImages(inputs)
      : this.#textTower.embedBeside(embedImages, inputs, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#scheduler.close(), this.#textTower?.close()]);
  }
}

/** A copy of each: a view would take all of the batch that it was read with along. */
function jobOf(rows: readonly ImageRow[]): Job {
  return { kind: 'embed-images', images: rows.map(({ bytes }) => new Uint8Array(bytes)) };
}
