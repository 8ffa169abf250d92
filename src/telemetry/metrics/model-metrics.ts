import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { named } from './counting.ts';

const BATCH_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80];

/** What went into a model and came out of it. */
export interface ModelMetrics {
  loaded(model: string, seconds: number): void;
  /** How much more the model has before it or at work. */
  queued(model: string, more: { readonly inputs: number; readonly bytes: number }): void;
  embedded(
    model: string,
    batch: { readonly seconds: number; readonly tokens: number; readonly truncated: number; readonly faults: number },
  ): void;
  failed(model: string): void;
}

export function createModelMetrics(registry: Registry): ModelMetrics {
  const labels = ['model'] as const;
  const loadSeconds = new Gauge(named(registry, 'model_load_seconds', 'What loading the model took.', labels));
  const batches = new Counter(
    named(registry, 'model_batches_total', 'Batches given to the model: ok, or failed as a whole.', [
      'model',
      'outcome',
    ]),
  );
  const batchSeconds = new Histogram({
    ...named(
      registry,
      'model_batch_seconds',
      'From giving a batch to the model to its vectors, waiting included.',
      labels,
    ),
    buckets: BATCH_SECONDS,
  });
  const tokens = new Counter(named(registry, 'model_tokens_total', 'Tokens that the model has read.', labels));
  const truncated = new Counter(
    named(registry, 'model_truncated_inputs_total', 'Inputs longer than the model reads.', labels),
  );
  const faults = new Counter(named(registry, 'model_faulty_inputs_total', "Inputs that can't be embedded.", labels));
  const queue = new Gauge(named(registry, 'model_queue_inputs', 'Inputs that the model has before it.', labels));
  const queueBytes = new Gauge(named(registry, 'model_queue_bytes', 'Texts and images before the model.', labels));

  return {
    loaded: (model, seconds) => {
      loadSeconds.set({ model }, seconds);
      batches.inc({ model, outcome: 'failed' }, 0);
    },
    queued: (model, { inputs, bytes }) => {
      queue.inc({ model }, inputs);
      queueBytes.inc({ model }, bytes);
    },
    embedded: (model, batch) => {
      batches.inc({ model, outcome: 'ok' });
      batchSeconds.observe({ model }, batch.seconds);
      tokens.inc({ model }, batch.tokens);
      truncated.inc({ model }, batch.truncated);
      faults.inc({ model }, batch.faults);
    },
    failed: (model) => {
      batches.inc({ model, outcome: 'failed' });
    },
  };
}
