import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Store, StoreFault } from '../../../../src/sinks/stores/port.ts';
import type { Fault, ProxiedRequest } from '../../../fakes/http-proxy.ts';
import { HttpProxy } from '../../../fakes/http-proxy.ts';
import { describeWithService, elasticsearchUrl } from '../../../services/index.ts';
import { embedding, openStore, type OpenOptions, PLACE, record, write } from './open-store.ts';
import { newAlias, PlainClient } from './server.ts';

const COUNT = 50;
const EMBEDDINGS = Array.from({ length: COUNT }, (_, i) => embedding(i, `d${i}`));
const REJECTED = { type: 'es_rejected_execution_exception', reason: 'rejected execution of coordinating operation' };

describeWithService('elasticsearch', 'an Elasticsearch that fails', () => {
  let server: PlainClient;
  let proxy: HttpProxy;
  let alias: string;
  const opened: Store[] = [];
  beforeAll(async () => {
    server = new PlainClient(await elasticsearchUrl());
  });
  beforeEach(async () => {
    alias = newAlias();
    proxy = await HttpProxy.start(server.url);
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await proxy.close();
    await server.removeAll(alias);
  });
  const prepared = async (options: OpenOptions = {}): Promise<Store> => {
    const { store } = await openStore(proxy.url, alias, options);
    opened.push(store);
    await store.prepare('keep');
    return store;
  };
  /** To each bulk request in turn; the rest passes. */
  const onBulk = (...faults: ((request: ProxiedRequest) => Fault | undefined)[]): { readonly bodies: string[] } => {
    const bodies: string[] = [];
    proxy.onRequest = (request) => {
      if (!request.path.includes('/_bulk')) return undefined;
      bodies.push(request.body);
      return faults.shift()?.(request);
    };
    return { bodies };
  };
  const always = (fault: Fault): void => {
    proxy.onRequest = ({ path }) => (path.includes('/_bulk') ? fault : undefined);
  };
  const expectAll = async (store: Store, faults: readonly StoreFault[]): Promise<void> => {
    expect(faults).toEqual([]);
    await store.complete();
    expect((await server.documents(alias)).size).toBe(COUNT);
    expect(store.stats().embeddings).toBe(COUNT);
  };

  for (const [name, fault] of [
    ['a request is refused as one too many (429)', { answer: { status: 429, body: { error: REJECTED, status: 429 } } }],
    ['no node serves it (503)', { answer: { status: 503, body: { error: 'unavailable', status: 503 } } }],
    ['a gateway has no answer in time (504)', { answer: { status: 504 } }],
    ['a gateway answers with a page of its own (502)', { answer: { status: 502, body: '<html>' } }],
    ['the connection breaks before the request', { reset: true }],
    ['the connection breaks before the answer', { loseAnswer: true }],
  ] as const)
    it(`is asked again when ${name}`, async () => {
      const store = await prepared();
      const { bodies } = onBulk(
        () => fault,
        () => fault,
      );
      await expectAll(store, await write(store, { embeddings: EMBEDDINGS }));
      expect(bodies).toHaveLength(3);
      expect(new Set(bodies).size).toBe(1);
    });

  it('is sent again only what it has refused of a request (429), and each change counts once', async () => {
    const store = await prepared();
    const refuse = (i: number): boolean => i % 3 === 0;
    const change = (body: Record<string, unknown>): unknown => ({
      ...body,
      errors: true,
      items: (body['items'] as unknown[]).map((item, i) =>
        refuse(i) ? { update: { status: 429, error: REJECTED } } : item,
      ),
    });
    const { bodies } = onBulk(() => ({ change }));
    await expectAll(store, await write(store, { embeddings: EMBEDDINGS }));
    const ids = (body = ''): string[] => Array.from(body.matchAll(/"_id":"(d\d+)"/g), ([, id]) => id ?? '');
    expect(ids(bodies[0])).toHaveLength(COUNT);
    expect(ids(bodies[1])).toEqual(ids(bodies[0]).filter((_, i) => refuse(i)));
    expect(bodies).toHaveLength(2);
  });

  it('is sent halves when a request is too large (413), and one that is too large alone is refused', async () => {
    const store = await prepared();
    const limit = 4_000;
    proxy.onRequest = ({ path, body }) =>
      path.includes('/_bulk') && body.length > limit ? { answer: { status: 413 } } : undefined;
    const large = embedding(COUNT, 'large', { text: 'x'.repeat(limit) });
    const faults = await write(store, { embeddings: [...EMBEDDINGS, large] });
    expect(faults).toMatchObject([{ offset: COUNT, error: { code: 'ELASTIC_DOCUMENT_TOO_LARGE', poison: true } }]);
    await expectAll(store, []);
  });

  it('is waited for while it is away, which is said', async () => {
    const { store, warnings } = await openStore(proxy.url, alias);
    opened.push(store);
    await store.prepare('keep');
    const back = await proxy.away();
    const writing = write(store, { embeddings: EMBEDDINGS });
    // Somebody sees what is waited for.
    await expect
      .poll(() => warnings.join(), { timeout: 20_000 })
      .toMatch(/Start it.* It is asked again for up to \d+ s/);
    await back();
    await expectAll(store, await writing);
  });

  it('is waited for no longer than it is said', async () => {
    const store = await prepared({ esRetryFor: 0.5 });
    always({ answer: { status: 429, body: { error: REJECTED, status: 429 } } });
    await expect(write(store, { embeddings: EMBEDDINGS })).rejects.toMatchObject({
      code: 'ELASTIC_BUSY',
      retriable: true,
    });
    always({ reset: true });
    await expect(write(store, { embeddings: EMBEDDINGS })).rejects.toMatchObject({ code: 'ELASTIC_UNREACHABLE' });
    always({ answer: { status: 500, body: { error: { type: 'x', reason: 'a shard broke' } } } });
    await expect(write(store, { embeddings: EMBEDDINGS })).rejects.toThrow(/ELASTIC_UNAVAILABLE|a shard broke/);
    await proxy.away();
    await expect(openStore(proxy.url, alias, { esRetryFor: 0.1 })).rejects.toThrow(/Start it, or check --es-url/);
  });

  it('is waited for no longer when the run is stopped', async () => {
    const stop = new AbortController();
    const store = await prepared({ signal: stop.signal });
    const back = await proxy.away();
    const waiting = Promise.allSettled([store.complete(), openStore(proxy.url, alias, { signal: stop.signal })]);
    stop.abort();
    const unreachable = { status: 'rejected', reason: { code: 'ELASTIC_UNREACHABLE' } };
    expect(await waiting).toMatchObject([unreachable, unreachable]);
    await back();
  });

  it('is waited for when its disk is full, and is named when it is blocked for good', async () => {
    const store = await prepared({ esRetryFor: 30 });
    const index = `${alias}-000001`;
    const block = (name: string, isOn: boolean | null): Promise<unknown> =>
      server.ask('PUT', `/${index}/_settings`, { [`index.blocks.${name}`]: isOn });
    await block('read_only_allow_delete', true);
    const writing = write(store, { embeddings: EMBEDDINGS });
    const early = await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 1_000, 'still waiting'))]);
    expect(early).toBe('still waiting');
    await block('read_only_allow_delete', null);
    await expectAll(store, await writing);
    await block('write', true);
    await expect(write(store, { embeddings: EMBEDDINGS })).rejects.toMatchObject({ code: 'ELASTIC_INDEX_BLOCKED' });
    await block('write', null);
  });

  it('is not given a new index when somebody deletes the one that is written to', async () => {
    const store = await prepared();
    await server.removeAll(alias);
    await expect(write(store, { embeddings: EMBEDDINGS })).rejects.toMatchObject({ code: 'ELASTIC_INDEX_GONE' });
    expect(await server.versionsOf(alias)).toEqual([]);
  });

  it('is told from what is no Elasticsearch, and from one of another version', async () => {
    const answers = (body: unknown): void => {
      proxy.onRequest = ({ path }) => (path === '/' ? { answer: { status: 200, body } } : undefined);
    };
    answers({ version: { number: '7.17.0' } });
    await expect(openStore(proxy.url, alias)).rejects.toThrow(/is 7\.17\.0; .* 9\.x and 8\.19/);
    answers({ version: { number: '10.0.0' } });
    await expect(openStore(proxy.url, alias)).rejects.toMatchObject({ code: 'ELASTIC_VERSION' });
    for (const number of ['8.19.3', '9.0.0']) {
      answers({ version: { number } });
      await (await openStore(proxy.url, alias)).store.close();
    }
    const other = await HttpProxy.start(server.url);
    other.onRequest = () => ({ answer: { status: 200, body: {}, product: 'OpenSearch' } });
    await expect(openStore(other.url, alias)).rejects.toMatchObject({ code: 'ELASTIC_OTHER_SERVER' });
    await other.close();
  });

  it('is written to by nobody who lost the partition', async () => {
    const store = await prepared();
    const { bodies } = onBulk();
    const lost = new Error('LOG_FENCED');
    const partition = await store.openEmbeddings({ ...PLACE, assertOwner: () => Promise.reject(lost) });
    await partition.write(EMBEDDINGS);
    await expect(partition.flush()).rejects.toBe(lost);
    await partition.close();
    expect(bodies).toEqual([]);
  });

  it('reports what has landed, in order, and nothing that has not', async () => {
    const store = await prepared({ esBulkDocuments: 10 });
    let release: (fault?: Fault) => void = () => undefined;
    let bulks = 0;
    proxy.onRequest = ({ path }) => {
      if (!path.includes('/_bulk') || bulks++ > 0) return undefined;
      return new Promise((resolve) => (release = resolve));
    };
    const partition = await store.openEmbeddings(PLACE);
    const writing = partition.write(EMBEDDINGS);
    await expect.poll(() => bulks, { timeout: 20_000 }).toBe(COUNT / 10);
    await writing;
    // The first is not answered yet.
    expect(partition.progress()).toEqual({ faults: [] });
    release();
    await partition.flush();
    expect(partition.progress()).toEqual({ faults: [], offset: COUNT });
    await partition.close();
  });

  it('gets two versions of a document one after the other', async () => {
    const store = await prepared({ esBulkDocuments: 2, esInFlight: 4 });
    let inFlight = 0;
    let most = 0;
    proxy.onRequest = async ({ path }) => {
      if (!path.includes('/_bulk')) return undefined;
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      inFlight--;
      return undefined;
    };
    const versions = Array.from({ length: 60 }, (_, i) => record(i, `d${i % 5}`, { text: `version ${i}` }));
    await write(store, { records: versions });
    await store.complete();
    const texts = Array.from((await server.documents(alias)).values(), ({ text }) => text);
    expect(texts.sort()).toEqual([55, 56, 57, 58, 59].map((i) => `version ${i}`));
    expect(most).toBeGreaterThan(1);
  });

  it('has no more in flight than it is allowed', async () => {
    const store = await prepared({ esBulkDocuments: 5, esInFlight: 2 });
    let inFlight = 0;
    let most = 0;
    proxy.onRequest = async ({ path }) => {
      if (!path.includes('/_bulk')) return undefined;
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inFlight--;
      return undefined;
    };
    const partitions = await Promise.all([0, 1, 2].map((partition) => store.openEmbeddings({ ...PLACE, partition })));
    await Promise.all(
      partitions.map(async (partition, p) => {
        await partition.write(Array.from({ length: COUNT }, (_, i) => embedding(i, `${p}-${i}`)));
        await partition.flush();
        await partition.close();
      }),
    );
    expect(most).toBe(2);
  });
});
