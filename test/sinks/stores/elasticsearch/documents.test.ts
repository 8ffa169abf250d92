import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../../src/sinks/stores/port.ts';
import { describeWithService, elasticsearchUrl } from '../../../services/index.ts';
import {
  contentsOf,
  embedding,
  fill,
  MODEL,
  noEmbedding,
  noRecord,
  openStore,
  type OpenOptions,
  record,
  vectorOf,
  write,
} from './open-store.ts';
import { type Document, newAlias, PlainClient } from './server.ts';

const NEAR = 1e-6;

describeWithService('elasticsearch', 'documents in Elasticsearch', () => {
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
  const open = async (options: OpenOptions = {}): Promise<Store> => {
    const { store } = await openStore(server.url, alias, options);
    opened.push(store);
    return store;
  };
  const only = async (): Promise<Document> => {
    const [document, ...others] = (await server.documents(alias)).values();
    expect(others).toEqual([]);
    return document ?? {};
  };
  const hidden = (): Promise<Record<string, unknown>> => server.ask('GET', `/${alias}-000001/_count`);

  it('hold record and vector, each number as it was', async () => {
    const store = await open();
    const metadata = {
      title: 'Ütüs "1"\n',
      big: 9007199254740993n,
      price: 1.5,
      isNew: true,
      none: null,
      'a.b': 'x',
      a: 1,
    };
    const image = { mime: 'image/png', uri: 'https://example.org/1.png' };
    await fill(store, {
      records: [record(0, 'r/1 ü', { metadata, page: 3, chunk: 4, image })],
      embeddings: [embedding(0, 'r/1 ü')],
    });
    const text = JSON.stringify(await server.ask('GET', `/${alias}/_search`));
    expect(text).toContain('"_id":"r/1 ü"');
    const { embeddings, ...document } = await only();
    expect(document).toEqual({
      ...{ source: 'catalogue', text: 'text of r/1 ü', createdAt: 1_700_000_000_000, page: 3, chunk: 4, image },
      metadata: { ...metadata, big: Number(metadata.big) },
      embedded: { [MODEL]: { createdAt: 1_800_000_000_000, fingerprint: '0'.repeat(64) } },
    });
    expectNear(embeddings?.[MODEL], vectorOf(0));
    // A double does not hold the number; the server does.
    const exact = { term: { 'metadata.big': '9007199254740993' } };
    expect((await server.documents(alias, exact)).size).toBe(1);
    expect((await server.documents(alias, { term: { 'metadata.big': '9007199254740992' } })).size).toBe(0);
  });

  it('are found by their vectors, their words and their metadata', async () => {
    const store = await open();
    const ids = ['one', 'two', 'three'];
    await fill(store, {
      records: ids.map((id, i) =>
        record(i, id, { metadata: { client: `client ${i}`, year: 2020 + i, 'x.y': i + 0.5 } }),
      ),
      embeddings: ids.map((id, i) => embedding(i, id)),
    });
    const knn = { field: `embeddings.${MODEL}`, query_vector: [...vectorOf(1)], k: 1 };
    const { hits } = await server.ask<{ hits: { hits: { _id: string }[] } }>('POST', `/${alias}/_search`, { knn });
    expect(hits.hits.map(({ _id }) => _id)).toEqual(['two']);
    const found = async (query: unknown): Promise<string[]> => [...(await server.documents(alias, query)).keys()];
    expect(await found({ match: { text: 'THREE' } })).toEqual(['three']);
    expect(await found({ term: { 'metadata.client.keyword': 'client 0' } })).toEqual(['one']);
    expect(await found({ range: { 'metadata.year': { gte: 2022 } } })).toEqual(['three']);
    expect(await found({ range: { 'metadata.x.y': { lt: 1 } } })).toEqual(['one']);
    expect(await found({ term: { source: 'catalogue' } })).toHaveLength(3);
  });

  it('have vectors as JSON numbers where base64 is not proven', async () => {
    const store = await open();
    await store.prepare('keep');
    await server.ask('PUT', `/${alias}-000001/_mapping`, {
      _meta: { embedstream: { building: true, vectors: 'json' } },
    });
    await store.prepare('keep');
    await write(store, { embeddings: [embedding(5, 'a')] });
    await store.complete();
    expectNear((await server.vectors(alias, MODEL)).get('a'), vectorOf(5));
  });

  it('have what the last record has, and nothing of earlier ones', async () => {
    const store = await open({ esBulkDocuments: 1 });
    await fill(store, {
      records: [
        record(0, 'a', { metadata: { gone: 1, kept: 'x', big: 9007199254740993n }, page: 1, chunk: 2 }),
        record(1, 'a', { metadata: { kept: 'y', big: 9007199254740993n } }),
      ],
      embeddings: [embedding(0, 'a')],
    });
    expect(await only()).toMatchObject({ metadata: { kept: 'y' } });
    expect(Object.keys(await only()).sort()).toEqual([
      'createdAt',
      'embedded',
      'embeddings',
      'metadata',
      'source',
      'text',
    ]);
    // Once more, with the vector there, and no text.
    await write(store, { records: [record(2, 'a', { metadata: { kept: 'z' }, text: undefined })] });
    const { embeddings, ...document } = await only();
    expect(document).toMatchObject({ metadata: { kept: 'z' } });
    expect(document).not.toHaveProperty('text');
    expectNear(embeddings?.[MODEL], vectorOf(0));
  });

  it('stay without a vector when only that is deleted, and a big number stays what it is', async () => {
    const store = await open();
    await fill(store, {
      records: [record(0, 'a', { metadata: { big: 9007199254740993n } }), record(1, 'never embedded')],
      embeddings: [embedding(0, 'a'), embedding(1, 'b')],
    });
    await write(store, { embeddings: [noEmbedding(2, 'a'), noEmbedding(3, 'b'), noEmbedding(4, 'nobody')] });
    const documents = await server.documents(alias, { match_all: {} });
    expect([...documents.keys()].sort()).toEqual(['a', 'never embedded']);
    expect(documents.get('a')).not.toHaveProperty('embeddings');
    expect((await server.documents(alias, { term: { 'metadata.big': '9007199254740993' } })).size).toBe(1);
  });

  it('do not come back with an embedding that is late', async () => {
    const store = await open();
    await store.prepare('keep');
    await write(store, { records: [record(0, 'a'), noRecord(1, 'a')] });
    await write(store, { embeddings: [embedding(0, 'a')] });
    await store.complete();
    expect((await server.documents(alias)).size).toBe(0);
    expect(await hidden()).toMatchObject({ count: 1 });
    // What came in between stands beside the record that comes again.
    await write(store, { records: [record(2, 'a')] });
    expectNear((await only()).embeddings?.[MODEL], vectorOf(0));
    await write(store, { records: [noRecord(3, 'a')], embeddings: [noEmbedding(1, 'a')] });
    await store.complete();
    expect(await hidden()).toMatchObject({ count: 0 });
  });

  it('are of an embedding alone, with its text and metadata, where there is no record', async () => {
    const store = await open();
    const parts = { text: 'imported', metadata: { client: 'X', old: 1 } };
    await fill(store, { embeddings: [embedding(0, 'a', parts)] });
    expect(await only()).toMatchObject(parts);
    const later = { text: 'imported again', metadata: { client: 'Y' } };
    await write(store, { embeddings: [embedding(1, 'a', later)] });
    const { embeddings, embedded, ...rest } = await only();
    expect(rest).toEqual(later);
    expect(embedded?.[MODEL]?.createdAt).toBe(1_800_000_000_001);
    expectNear(embeddings?.[MODEL], vectorOf(1));
    await write(store, {
      records: [record(0, 'a', { metadata: { of: 'record' } })],
      embeddings: [embedding(2, 'a', parts)],
    });
    expect(await only()).toMatchObject({ text: 'text of a', metadata: { of: 'record' } });
    expectNear((await only()).embeddings?.[MODEL], vectorOf(2));
  });

  it('hold the vectors of several models, and lose one without the others', async () => {
    const other = 'model.b';
    const one = await open();
    await fill(one, { records: [record(0, 'a')], embeddings: [embedding(0, 'a')] });
    const two = await open({ model: other, dimension: 4 });
    expect(await two.prepare('keep')).toBe(true);
    const vector = vectorOf(9, 4);
    await write(two, { records: [record(0, 'a')], embeddings: [embedding(0, 'a', { vector, model: other })] });
    await two.complete();
    const { embeddings } = await only();
    expectNear(embeddings?.[MODEL], vectorOf(0));
    expectNear(embeddings?.['model_b'], vector);
    await write(one, { embeddings: [noEmbedding(1, 'a')] });
    expect(Object.keys((await only()).embeddings ?? {})).toEqual(['model_b']);
    expect(await contentsOf(two)).toEqual([{ id: 'a', createdAt: 1_800_000_000_000 }]);
    expect(await contentsOf(one)).toEqual([]);
  });

  it('are refused one by one, and the others are there', async () => {
    const store = await open();
    const faults = await fill(store, {
      records: [record(0, 'a', { metadata: { year: 2020 } }), record(1, 'b', { metadata: { year: 2021 } })],
      embeddings: [
        embedding(0, 'a', { vector: new Float32Array(8) }),
        embedding(1, 'b'),
        embedding(2, 'c', { vector: vectorOf(1, 4) }),
      ],
    });
    expect(faults.map(({ offset, error }) => [offset, error.code, error.poison])).toEqual([
      [0, 'ELASTIC_DOCUMENT_REFUSED', true],
      [2, 'ELASTIC_DOCUMENT_REFUSED', true],
    ]);
    expect(faults[0]?.error.message).toMatch(/"a".*zero magnitude/s);
    // By now the field is of whole numbers.
    const conflict = await write(store, {
      records: [
        record(2, 'c', { metadata: { year: 'unknown' } }),
        record(3, 'd', { metadata: { year: 1.5 } }),
        record(4, 'e'),
      ],
    });
    expect(conflict.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(conflict[0]?.error.message).toMatch(/metadata\.year.*--es-mapping/s);
    expect([...(await server.documents(alias)).keys()].sort()).toEqual(['a', 'b', 'e']);
  });

  it('have fields of the types that are asked for', async () => {
    const store = await open({ esMapping: ['year:keyword', 'released:date', 'with:colon:text'] });
    await fill(store, {
      records: [record(0, 'a', { metadata: { year: 2020, released: '2026-11-21', 'with:colon': 'w' } })],
    });
    const later = await write(store, {
      records: [record(1, 'b', { metadata: { year: 'unknown', released: '2027-01-01' } })],
    });
    expect(later).toEqual([]);
    expect([
      ...(await server.documents(alias, { range: { 'metadata.released': { gt: '2026-12-01' } } })).keys(),
    ]).toEqual(['b']);
    const { store: other } = await openStore(server.url, alias, { esMapping: ['year:double'] });
    await expect(other.prepare('keep')).rejects.toMatchObject({ code: 'ELASTIC_REFUSED' });
    await other.close();
  });

  it('keep what the index can not search', async () => {
    const { store, warnings } = await openStore(server.url, alias);
    opened.push(store);
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`field ${i}`, 'x']));
    expect(await fill(store, { records: [record(0, 'a', { metadata: many })] })).toEqual([]);
    expect(warnings.join('\n')).toMatch(/can't be searched/);
    expect(Object.keys((await only())['metadata'] as object)).toHaveLength(1200);
  });
});

function expectNear(actual: readonly number[] | undefined, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, n] of expected.entries()) expect(Math.abs((actual?.[i] ?? NaN) - n)).toBeLessThan(NEAR);
}

describe('flags', () => {
  it('name a place without a secret', async () => {
    await expect(openStore('http://user:pass@127.0.0.1:1', 'x')).rejects.toThrow(/ELASTICSEARCH_API_KEY/);
    await expect(openStore('ftp://127.0.0.1', 'x')).rejects.toThrow('--es-url');
    for (const alias of ['Products', 'a b', '_a', 'a-000001', '', 'x'.repeat(231)])
      await expect(openStore('http://127.0.0.1:1', alias), alias).rejects.toThrow('--es-index');
  });
});
