import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { observeEmbedder } from '../../../src/operations/observed/observed-embedder.ts';
import { createModelMetrics } from '../../../src/telemetry/metrics/model-metrics.ts';
import { fakeEmbedder } from '../../pipeline-fixtures.ts';

it('counts what the API of a model is asked and bills, and hands on how many windows it wants', async () => {
  const registry = new Registry();
  let requests = 0;
  const hosted = {
    ...fakeEmbedder(),
    windowsInFlight: 7,
    usage: () => ({ requests: ++requests, rateLimited: 2, failed: 1, tokens: requests * 10, images: 0, costUsd: 0.5 }),
  };
  const observed = observeEmbedder(hosted, createModelMetrics(registry));
  expect(observed.windowsInFlight).toBe(7);
  await observed.embed([{ text: 'a' }]);
  await observed.embed([{ text: 'b' }]);
  await expect(observed.embed([{ text: 'the world' }])).rejects.toThrow();
  const text = await registry.metrics();
  for (const line of [
    'embedstream_model_requests_total{model="fake",outcome="ok"} 3',
    'embedstream_model_requests_total{model="fake",outcome="rate_limited"} 2',
    'embedstream_model_requests_total{model="fake",outcome="failed"} 1',
    'embedstream_model_billed_tokens_total{model="fake"} 30',
    'embedstream_model_cost_usd_total{model="fake"} 0.5',
  ])
    expect(text).toContain(line);
  const local = observeEmbedder(fakeEmbedder(), createModelMetrics(new Registry()));
  expect(local).not.toHaveProperty('usage');
});
