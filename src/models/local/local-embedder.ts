import type { ModelFacts, OnnxWeights } from '../catalog/entry.ts';
import { describeEntry } from '../describe-model.ts';
import type { Embedder, EmbedInput, EmbedOptions, EmbedResult, ModelInfo } from '../port.ts';
import { BatchScheduler } from './batch-scheduler.ts';
import { checkCanary, TEXT_CANARIES } from './canary.ts';
import type { Job } from './inference-workers.ts';
import { LengthPool } from './length-pool.ts';
import { openWorkers, type ExecutionOptions } from './open-workers.ts';
import { textSettingsOf } from './text-settings.ts';
import { TextWindow, type TextRow } from './text-window.ts';

export type LocalEmbedderOptions = ExecutionOptions;

export type LocalModel = ModelFacts & { readonly weights: OnnxWeights };

/** Texts that fill batches of like length well; a caller keeps two or three such windows in flight. */
const WINDOW_SIZE = 512;
/** Of one score of attention, before and after its softmax, with 16 heads, which the larger models have. */
const SCORE_BYTES = 16 * 2 * Float32Array.BYTES_PER_ELEMENT;

/**
 * Loads an ONNX model into worker threads, one session each, and checks that it works.
 *
 * @throws PipelineError MODEL_LOAD_FAILED, DEVICE_UNAVAILABLE, MODEL_CANARY_FAILED; its `embed` rejects with MODEL_FAILED
 * when a worker has died and with EMBEDDER_CLOSED after `close`.
 */
export async function createLocalEmbedder(model: LocalModel, options: LocalEmbedderOptions = {}): Promise<Embedder> {
  const settings = textSettingsOf(model);
  const describing = describeEntry(model);
  // Met below; until then a rejection must not count as unhandled.
  describing.catch(() => undefined);
  const opened = await openWorkers(settings, model.weights, { ...options, script: workerScript });
  const { workers, pads, batchTokens } = opened;
  const info = await describing.catch(async (error: unknown) => {
    await workers.close();
    throw error;
  });
  const batchScores = opened.batchBytes / SCORE_BYTES;
  const pool = new LengthPool<TextRow>({ batchTokens, pads, batchScores });
  const scheduler = new BatchScheduler<TextRow>({ workers, pool, model: model.name, unit: 'text', jobOf, copyOf });
  const embedder = new LocalEmbedder(model, info, scheduler);
  try {
    // It may be longer than what this model is to be given.
    const truncating = new LocalEmbedder({ ...model, longText: 'truncate' }, info, scheduler);
    await checkCanary(truncating, TEXT_CANARIES, model.normalise);
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
    const { name: model, dimension, normalise, prefixes, longText = 'truncate' } = this.#model;
    const settings = { model, dimension, normalise, longText, prefix: prefixes[options.as ?? 'document'] };
    return this.#scheduler.run(new TextWindow(inputs, settings), signal);
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
