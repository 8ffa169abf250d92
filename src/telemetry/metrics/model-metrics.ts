import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { named, Total } from './counting.ts';

/** Of a model behind an API, since it was loaded. */
export interface ModelUsageCounts {
  readonly requests: number;
  readonly rateLimited: number;
  readonly failed: number;
  readonly tokens: number;
  readonly costUsd?: number;
}

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
  /** What is billed so far. */
  used(model: string, usage: ModelUsageCounts): void;
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
  const requests = new Counter(
    named(
      registry,
      'model_requests_total',
      'Requests to the API of a model: ok, put off by a rate limit (rate_limited), or failed.',
      ['model', 'outcome'],
    ),
  );
  const billedTokens = new Counter(
    named(registry, 'model_billed_tokens_total', 'Tokens that the API of a model bills.', labels),
  );
  const cost = new Counter(
    named(registry, 'model_cost_usd_total', 'What they cost, where the price is known.', labels),
  );
  const usages = new Map<string, (usage: ModelUsageCounts) => void>();
  const usageOf = (model: string): ((usage: ModelUsageCounts) => void) => {
    const ok = new Total(requests, { model, outcome: 'ok' });
    const rateLimited = new Total(requests, { model, outcome: 'rate_limited' });
    const failed = new Total(requests, { model, outcome: 'failed' });
    const billed = new Total(billedTokens, { model });
    const spent = new Total(cost, { model });
    return (usage) => {
      ok.set(usage.requests);
      rateLimited.set(usage.rateLimited);
      failed.set(usage.failed);
      billed.set(usage.tokens);
      if (usage.costUsd !== undefined) spent.set(usage.costUsd);
    };
  };

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
    used: (model, usage) => {
      const set = usages.get(model) ?? usageOf(model);
      usages.set(model, set);
      set(usage);
    },
  };
}
