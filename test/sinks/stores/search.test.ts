import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scorerOf } from '../../../src/models/similarity.ts';
import { ZERO_FINGERPRINT } from '../../../src/record/types.ts';
import type { OpenStoreOptions, Store, StoreAdapter, StoreMatch } from '../../../src/sinks/stores/port.ts';
import { describeWithService, elasticsearchUrl } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';
import { embedding, PLACE, vectorOf } from './elasticsearch/open-store.ts';
import { newAlias, PlainClient } from './elasticsearch/server.ts';
import { describeWithLanceDb } from './lancedb/installed.ts';
import { temporaryFolder } from '../fixtures.ts';

const ROWS = 40;
const DIMENSION = 8;
const SIMILARITIES = ['cosine', 'dot', 'euclidean'] as const;
type Similarity = (typeof SIMILARITIES)[number];

/** Of other lengths each, so that the three measures order them otherwise. */
const vectors = Array.from({ length: ROWS }, (_, i) => vectorOf(i).map((n) => n * (1 + (i % 5))));
const QUERY = vectorOf(1000).map((n) => n * 2);

function expected(similarity: Similarity): StoreMatch[] {
  const scorer = scorerOf(similarity, QUERY);
  const all = vectors.map((vector, i) => ({ id: `r${i}`, score: scorer(vector) }));
  return all.sort((a, b) => b.score - a.score).slice(0, 7);
}

async function searched(
  load: () => Promise<StoreAdapter>,
  options: Readonly<Record<string, unknown>>,
  similarity: Similarity,
): Promise<StoreMatch[]> {
  const adapter = await load();
  const place: OpenStoreOptions = {
    ...{ location: adapter.locate(options, {}, 'm'), model: 'm', dimension: DIMENSION, similarity },
    ...{ sinkName: 'search', environment: {}, options, onWarning: () => undefined, clock: Date.now },
  };
  const store: Store = await adapter.open(place);
  try {
    await store.prepare('keep');
    const partition = await store.openEmbeddings(PLACE);
    await partition.write(vectors.map((vector, i) => embedding(i, `r${i}`, { model: 'm', vector })));
    await partition.flush();
    await partition.close();
    await store.complete();
    const found = await store.search?.({ vector: QUERY, limit: 7, fingerprint: ZERO_FINGERPRINT });
    return (found ?? []).map(({ id, score }) => ({ id, score }));
  } finally {
    await store.close();
  }
}

function expectNearest(found: readonly StoreMatch[], similarity: Similarity): void {
  const wanted = expected(similarity);
  expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
  for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(wanted[i]?.score ?? NaN, 4);
}

it('orders otherwise by each similarity', () => {
  const orders = SIMILARITIES.map((similarity) =>
    expected(similarity)
      .map(({ id }) => id)
      .join(),
  );
  expect(new Set(orders).size).toBe(SIMILARITIES.length);
  expect(scorerOf('cosine', QUERY)(new Float32Array(DIMENSION))).toBe(0);
});

describe('stores answer a query by the similarity of the model', () => {
  describeWithService('elasticsearch', 'Elasticsearch', () => {
    let server: PlainClient;
    const aliases: string[] = [];
    beforeAll(async () => {
      server = new PlainClient(await elasticsearchUrl());
    }, 240_000);
    afterAll(async () => {
      for (const alias of aliases) await server.removeAll(alias);
    });

    it.each(SIMILARITIES)('%s', async (similarity) => {
      const alias = newAlias();
      aliases.push(alias);
      const load = async (): Promise<StoreAdapter> =>
        (await import('../../../src/sinks/stores/elasticsearch/adapter.ts')).elasticsearch;
      expectNearest(await searched(load, { esUrl: server.url, esIndex: alias }, similarity), similarity);
    });
  });

  describeWithService('postgres', 'pgvector', () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await TestDatabase.create();
      await database.sql('create extension vector');
    }, 240_000);
    afterAll(() => database.drop());

    it.each(SIMILARITIES)('%s', async (similarity) => {
      const load = async (): Promise<StoreAdapter> =>
        (await import('../../../src/sinks/stores/postgres/adapter.ts')).pgvector;
      expectNearest(await searched(load, { postgresUrl: database.url, pgTable: similarity }, similarity), similarity);
    });
  });

  describeWithLanceDb('LanceDB', () => {
    const load = async (): Promise<StoreAdapter> =>
      (await import('../../../src/sinks/stores/lancedb/adapter.ts')).lancedb;

    it.each(SIMILARITIES)('%s', async (similarity) => {
      expectNearest(await searched(load, { lancedbUri: temporaryFolder() }, similarity), similarity);
    });

    it.each(SIMILARITIES)('%s, by its index', async (similarity) => {
      const options = { lancedbUri: temporaryFolder(), lancedbIndex: 'hnsw' };
      expectNearest(await searched(load, options, similarity), similarity);
    });
  });
});
