import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { ModelFacts, OnnxWeights } from '../catalog/entry.ts';
import { describeEntry } from '../describe-model.ts';
import type { Embedder, EmbedInput, EmbedOptions, EmbedResult, ModelInfo } from '../port.ts';
import { BatchScheduler } from './batch-scheduler.ts';
import { checkCanary, TEXT_CANARIES } from './canary.ts';
import { defaultWorkers } from './default-workers.ts';
import { InferenceWorkers, type Job } from './inference-workers.ts';
import { LengthPool } from './length-pool.ts';
import type { TextWorkerSettings } from './messages.ts';
import { TextWindow, type TextRow } from './text-window.ts';

export interface LocalEmbedderOptions {
  /** Worker threads, a session of about 150 MB each. Default: the cores this process may use, as memory allows. */
  readonly workers?: number;
  /** Most tokens in a batch, padding included; an image counts its patches. Default 512. */
  readonly batchTokens?: number;
  /** The worker's script; tests put another in its place. */
  readonly workerScript?: URL;
}

export type LocalModel = ModelFacts & { readonly weights: OnnxWeights };

/** Texts that fill batches of like length well; a caller keeps two or three such windows in flight. */
const WINDOW_SIZE = 512;
/** Measured best on two cores (bench/embedding/README.md): the activations of a batch stay near the core. */
export const DEFAULT_BATCH_TOKENS = 512;

/**
 * Loads an ONNX model into worker threads, one session each, and checks that it works.
 *
 * @throws PipelineError MODEL_LOAD_FAILED, MODEL_CANARY_FAILED; its `embed` rejects with MODEL_FAILED when a worker has
 * died and with EMBEDDER_CLOSED after `close`.
 */
export async function createLocalEmbedder(model: LocalModel, options: LocalEmbedderOptions = {}): Promise<Embedder> {
  const count = positive('workers', options.workers ?? defaultWorkers());
  const batchTokens = positive('batchTokens', options.batchTokens ?? DEFAULT_BATCH_TOKENS);
  const { folder, graph } = model.weights;
  const settings: TextWorkerSettings = {
    model: model.name,
    graphPath: join(folder, graph),
    tokenizerPath: join(folder, 'tokenizer.json'),
    tokenizerConfigPath: join(folder, 'tokenizer_config.json'),
    dimension: model.dimension,
    maxTokens: model.maxTokens,
    pooling: model.pooling,
    normalise: model.normalise,
  };
  const workers = new InferenceWorkers({ settings, count, script: options.workerScript ?? workerScript });
  const [pads, info] = await Promise.all([workers.start(), describeEntry(model)]).catch(async (error: unknown) => {
    await workers.close();
    throw error;
  });
  const pool = new LengthPool<TextRow>({ batchTokens, pads });
  const scheduler = new BatchScheduler<TextRow>({ workers, pool, model: model.name, unit: 'text', jobOf, copyOf });
  const embedder = new LocalEmbedder(model, info, scheduler);
  try {
    await checkCanary(embedder, TEXT_CANARIES, model.normalise);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return embedder;
}

const workerScript = new URL(
  import.meta.url.endsWith('.ts') ? './embedding-worker.ts' : './embedding-worker.js',
  import.meta.url,
);

class LocalEmbedder implements Embedder {
  readonly info: ModelInfo;
  readonly windowSize = WINDOW_SIZE;
  readonly #model: LocalModel;
  readonly #scheduler: BatchScheduler<TextRow>;

  constructor(model: LocalModel, info: ModelInfo, scheduler: BatchScheduler<TextRow>) {
    this.#model = model;
    this.info = info;
    this.#scheduler = scheduler;
  }

  async embed(inputs: readonly EmbedInput[], options: EmbedOptions = {}): Promise<EmbedResult> {
    const { signal } = options;
    signal?.throwIfAborted();
    const prefix = this.#model.prefixes[options.as ?? 'document'];
    return this.#scheduler.run(new TextWindow(inputs, this.info.dimension, prefix, this.info.name), signal);
  }

  close(): Promise<void> {
    return this.#scheduler.close();
  }
}

function jobOf(rows: readonly TextRow[]): Job {
  const ids = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let position = 0;
  for (const row of rows) {
    ids.set(row.ids, position);
    position += row.length;
  }
  return { kind: 'embed', ids, lengths: Uint32Array.from(rows, (row) => row.length) };
}

/** Without the rest of its chunk's ids in tow. */
function copyOf(row: TextRow): TextRow {
  return { ...row, ids: row.ids.slice() };
}

export function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${name} must be a whole number above zero, not ${value}.`);
}
