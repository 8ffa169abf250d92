import { onTestFinished } from 'vitest';
import { findModel } from '../../../src/models/catalog/find-model.ts';
import type { HostedModel } from '../../../src/models/hosted/hosted-embedder.ts';
import type { CreateHostedOptions } from '../../../src/models/hosted/hosted-options.ts';
import { loadHosted } from '../../../src/models/hosted/load-hosted.ts';
import type { Embedder } from '../../../src/models/port.ts';
import { startFakeApi, type FakeApi } from '../../fakes/embedding-apis/server.ts';

/** Ends with the test. */
export async function newApi(): Promise<FakeApi> {
  const api = await startFakeApi();
  onTestFinished(() => api.stop());
  return api;
}

/** A model whose provider is the fake one. What it was asked at the start is forgotten. */
export async function load(
  model: string,
  api: FakeApi,
  { environment, ...options }: Partial<CreateHostedOptions> = {},
): Promise<Embedder> {
  const entry = (await findModel(model)) as HostedModel;
  const embedder = await loadHosted(entry, { environment: { ...api.environment, ...environment }, ...options });
  onTestFinished(() => embedder.close());
  api.requests.length = 0;
  api.served.length = 0;
  return embedder;
}

export function rowOf({ vectors }: { readonly vectors: Float32Array }, index: number, dimension: number): number[] {
  return [...vectors.subarray(index * dimension, (index + 1) * dimension)];
}

/** At length 1. */
export function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

export function cosine(left: readonly number[], right: readonly number[]): number {
  const other = unit(right);
  return unit(left).reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
}
