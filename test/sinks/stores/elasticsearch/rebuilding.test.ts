import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Store } from '../../../../src/sinks/stores/port.ts';
import { describeWithService, elasticsearchUrl } from '../../../services/index.ts';
import {
  embedding,
  fill,
  MODEL,
  openStore,
  type OpenedStore,
  type OpenOptions,
  record,
  type Streams,
  vectorOf,
  write,
} from './open-store.ts';
import { newAlias, PlainClient } from './server.ts';

const OTHER = 'model-b';

function documents(count: number, from = 0): Required<Streams> {
  const all = Array.from({ length: count }, (_, i) => i);
  return {
    records: all.map((i) => record(from + i, `d${i}`, { metadata: { fill: from } })),
    embeddings: all.map((i) => embedding(from + i, `d${i}`)),
  };
}

describeWithService('elasticsearch', 'versions of an index behind an alias', () => {
  let server: PlainClient;
  let alias: string;
  const opened: Store[] = [];
  beforeAll(async () => {
    server = new PlainClient(await elasticsearchUrl());
  });
  beforeEach(() => {
    alias = newAlias();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await server.removeAll(alias);
  });
  const open = async (options: OpenOptions = {}): Promise<OpenedStore> => {
    const one = await openStore(server.url, alias, options);
    opened.push(one.store);
    return one;
  };
  const settingsOf = async (name: string): Promise<Record<string, unknown>> => {
    const all = await server.ask<Record<string, { settings: { index: Record<string, unknown> } }>>(
      'GET',
      `/${name}/_settings`,
    );
    return all[name]?.settings.index ?? {};
  };
  const count = async (): Promise<number> => (await server.documents(alias)).size;

  it('serve when they are whole, with their settings restored', async () => {
    const { store } = await open({ esShards: 2 });
    expect(await store.prepare('keep')).toBe(true);
    await write(store, documents(5));
    expect(await server.indicesOf(alias)).toEqual([]);
    expect(await settingsOf(`${alias}-000001`)).toMatchObject({ refresh_interval: '-1', number_of_replicas: '0' });
    await store.complete();
    expect(await server.indicesOf(alias)).toEqual([`${alias}-000001`]);
    const settings = await settingsOf(`${alias}-000001`);
    expect(settings).toMatchObject({ auto_expand_replicas: '0-1', number_of_shards: '2' });
    expect(settings).not.toHaveProperty('refresh_interval');
    expect(await count()).toBe(5);
    // It is there, and not begun anew.
    const again = await open();
    expect(await again.store.prepare('keep')).toBe(false);
    await write(again.store, { records: [record(9, 'more')] });
    await again.store.complete();
    expect(await count()).toBe(6);
    expect(await server.versionsOf(alias)).toEqual([`${alias}-000001`]);
  });

  it('have the copies that are asked for', async () => {
    const { store } = await open({ esReplicas: 0 });
    await fill(store, documents(1));
    expect(await settingsOf(`${alias}-000001`)).toMatchObject({
      number_of_replicas: '0',
      auto_expand_replicas: 'false',
    });
  });

  it('are rebuilt beside the one that serves, which stays until it is asked for its removal', async () => {
    const first = await open();
    await fill(first.store, documents(5));
    const { store, warnings } = await open();
    expect(await store.prepare('rebuild')).toBe(true);
    await write(store, documents(3, 100));
    expect(await count()).toBe(5);
    await store.complete();
    expect(await count()).toBe(3);
    expect(await server.versionsOf(alias)).toEqual([`${alias}-000001`, `${alias}-000002`]);
    expect(warnings).toEqual([expect.stringMatching(/-000001 \(5 documents, .* MB\).*--es-remove-old/s)]);
    const remover = await open({ esRemoveOld: true });
    expect(await remover.store.prepare('keep')).toBe(false);
    await remover.store.complete();
    expect(await server.versionsOf(alias)).toEqual([`${alias}-000002`]);
    const lister = await open({ esListOld: true });
    await lister.store.prepare('keep');
    await lister.store.complete();
    expect(lister.warnings).toEqual([`There are no earlier indices of ${alias}.`]);
  });

  it('go on when a process died while it filled one', async () => {
    const first = await open();
    await fill(first.store, documents(5));
    const died = await open();
    await died.store.prepare('rebuild');
    await died.store.close();
    // It had not begun: all of it is to come.
    const second = await open();
    expect(await second.store.prepare('resume')).toBe(true);
    await write(second.store, documents(2, 100));
    const third = await open();
    expect(await third.store.prepare('resume')).toBe(false);
    await write(third.store, { records: [record(300, 'last')] });
    await third.store.complete();
    expect([...(await server.documents(alias)).keys()].sort()).toEqual(['d0', 'd1', 'last']);
    expect(await settingsOf(`${alias}-000002`)).not.toHaveProperty('refresh_interval');
    expect(await (await open()).store.prepare('resume')).toBe(false);
  });

  it('drop what an earlier rebuild left unfinished', async () => {
    const first = await open();
    await fill(first.store, documents(5));
    const died = await open();
    await died.store.prepare('rebuild');
    await write(died.store, documents(2, 100));
    const { store } = await open();
    await fill(store, documents(4, 200), 'rebuild');
    expect(await server.versionsOf(alias)).toEqual([`${alias}-000001`, `${alias}-000003`]);
    expect(await count()).toBe(4);
  });

  it('serve when all models of the one before are in', async () => {
    const two = { model: OTHER, dimension: 4 };
    const vectorsOfOther = [embedding(0, 'd0', { model: OTHER, vector: vectorOf(3, 4) })];
    await fill((await open()).store, documents(2));
    await fill((await open(two)).store, { embeddings: vectorsOfOther });
    const one = await open();
    await fill(one.store, documents(1, 100), 'rebuild');
    expect(one.warnings).toEqual([expect.stringMatching(/until .*-000002 has the vectors of model-b, too.*--force/s)]);
    expect(await count()).toBe(2);
    const other = await open(two);
    expect(await other.store.prepare('rebuild')).toBe(true);
    await write(other.store, { embeddings: vectorsOfOther });
    await other.store.complete();
    expect(await server.indicesOf(alias)).toEqual([`${alias}-000002`]);
    expect(Object.keys((await server.documents(alias)).get('d0')?.embeddings ?? {}).sort()).toEqual([MODEL, OTHER]);
    // Without that model it is whole at once.
    const without = await open({ esDropModels: [OTHER] });
    await fill(without.store, documents(1, 200), 'rebuild');
    expect(await server.indicesOf(alias)).toEqual([`${alias}-000003`]);
    expect(without.warnings.join()).toMatch(/Earlier indices/);
  });

  it('are filled for the first time by several models together', async () => {
    const one = await open();
    const other = await open({ model: OTHER, dimension: 4 });
    expect(await one.store.prepare('keep')).toBe(true);
    expect(await other.store.prepare('keep')).toBe(true);
    await write(one.store, documents(2));
    await one.store.complete();
    expect(await server.indicesOf(alias)).toEqual([]);
    await write(other.store, { embeddings: [embedding(0, 'd0', { model: OTHER, vector: vectorOf(3, 4) })] });
    await other.store.complete();
    expect(await server.indicesOf(alias)).toEqual([`${alias}-000001`]);
  });

  it('are made once where several processes begin', async () => {
    const all = await Promise.all([open(), open(), open()]);
    expect(await Promise.all(all.map(({ store }) => store.prepare('keep')))).toEqual([true, true, true]);
    expect(await server.versionsOf(alias)).toEqual([`${alias}-000001`]);
  });

  it('are not made where the name is an index', async () => {
    await server.ask('PUT', `/${alias}`);
    try {
      const { store } = await open();
      for (const mode of ['keep', 'rebuild'] as const)
        await expect(store.prepare(mode)).rejects.toMatchObject({ code: 'ELASTIC_NOT_AN_ALIAS' });
    } finally {
      await server.ask('DELETE', `/${alias}`);
    }
  });

  it("take an alias from an index that is somebody else's only when asked to", async () => {
    const theirs = `${alias}-theirs`;
    await server.ask('PUT', `/${theirs}`, { aliases: { [alias]: {} } });
    await server.ask('PUT', `/${theirs}/_doc/1?refresh=true`, { of: 'theirs' });
    const { store } = await open();
    await expect(store.prepare('keep')).rejects.toMatchObject({ code: 'ELASTIC_FOREIGN_INDEX' });
    await fill(store, documents(2), 'rebuild');
    expect([...(await server.documents(alias)).keys()]).toEqual(['d0', 'd1']);
    expect(await server.ask('GET', `/${theirs}/_count`)).toMatchObject({ count: 1 });
  });

  it('refuse vectors of another kind', async () => {
    await fill((await open()).store, documents(1));
    await expect((await open({ dimension: 9 })).store.prepare('keep')).rejects.toThrow(/8 numbers.*9.*--force/s);
    await expect((await open({ model: 'model.a', dimension: 8 })).store.prepare('keep')).resolves.toBe(true);
    await expect((await open({ model: 'model_a' })).store.prepare('keep')).rejects.toMatchObject({
      code: 'ELASTIC_MAPPING',
    });
    const flat = await open({ esIndexOptions: 'flat' });
    await flat.store.prepare('keep');
    expect(flat.warnings).toEqual([expect.stringMatching(/int8_hnsw.*flat/s)]);
    const unfit = newAlias();
    const { store } = await openStore(server.url, unfit, { esIndexOptions: 'bbq_hnsw' });
    await expect(store.prepare('keep')).rejects.toThrow(/dim/);
    await store.close();
  });

  it('are whole to whoever reads through ten rebuilds', async () => {
    const sizes = { least: 200, more: 40 };
    await fill((await open()).store, documents(sizes.least));
    const done = new AbortController();
    let reads = 0;
    const seen = new Set<unknown>();
    const reader = (async () => {
      while (!done.signal.aborted) {
        const { hits, aggregations } = await server.ask<Read>('POST', `/${alias}/_search`, {
          ...{ size: 0, track_total_hits: true, query: { match_all: {} } },
          aggs: { fills: { terms: { field: 'metadata.fill' } } },
        });
        const knn = { field: `embeddings.${MODEL}`, query_vector: [...vectorOf(1)], k: 3, num_candidates: 20 };
        const near = await server.ask<Read>('POST', `/${alias}/_search`, { knn, _source: false });
        // All of one fill, none of any other.
        const [fillOf, ...others] = aggregations.fills.buckets;
        if (others.length > 0 || fillOf?.doc_count !== hits.total.value || hits.total.value < sizes.least)
          throw new Error(`A reader saw ${JSON.stringify({ hits, aggregations })}`);
        if (near.hits.hits.length !== 3) throw new Error(`A reader found ${JSON.stringify(near.hits)}`);
        seen.add(fillOf.key);
        reads++;
      }
    })();
    for (let round = 1; round <= 10; round++) {
      const { store } = await open({ esRemoveOld: true, esBulkDocuments: 30 });
      await fill(store, documents(sizes.least + (round % 2) * sizes.more, round * 1000), 'rebuild');
    }
    done.abort();
    await reader;
    expect(seen.size).toBeGreaterThan(5);
    expect(reads).toBeGreaterThan(20);
  }, 240_000);
});

interface Read {
  readonly hits: { readonly total: { readonly value: number }; readonly hits: unknown[] };
  readonly aggregations: { readonly fills: { readonly buckets: { key: number; doc_count: number }[] } };
}
