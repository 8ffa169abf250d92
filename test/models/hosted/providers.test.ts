import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EmbedInput, Embedder } from '../../../src/models/port.ts';
import { fakeVector, kindOf, type FakeInput } from '../../fakes/embedding-apis/protocol.ts';
import { KEY, startFakeApi, type FakeApi } from '../../fakes/embedding-apis/server.ts';
import { cosine, load, rowOf, unit } from './load.ts';

const TEXTS = ['a red dragon', 'naïve café — 漢字', 'x'];

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
});
beforeEach(() => {
  api.violations.length = 0;
});
afterAll(() => api.stop());

/** What the fake has for each part of an input, and the mean where a provider has several. */
function expected(input: FakeInput, dimension: number, apart: boolean): number[] {
  const { text, image } = input;
  if (!apart || text === undefined || image === undefined) return unit(fakeVector(input, dimension));
  const [ofText, ofImage] = [unit(fakeVector({ text }, dimension)), unit(fakeVector({ image }, dimension))];
  return unit(ofText.map((value, i) => value + (ofImage[i] ?? 0)));
}

async function expectVectors(embedder: Embedder, inputs: readonly EmbedInput[], apart = false): Promise<void> {
  const { dimension } = embedder.info;
  const result = await embedder.embed(inputs);
  expect(result.faults).toEqual(new Map());
  inputs.forEach(({ text, image }, index) => {
    const input = { ...(text !== undefined && { text }), ...(image && { image: Buffer.from(image.bytes) }) };
    const row = rowOf(result, index, dimension);
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    expect(cosine(row, expected(input, dimension, apart))).toBeGreaterThan(0.99999);
  });
  expect(api.violations).toEqual([]);
}

const HOSTED: readonly [model: string, dimension: number, asDocument: object, asQuery?: object][] = [
  ['text-embedding-3-small', 1536, {}],
  ['text-embedding-3-large-256', 256, {}],
  ['jina-embeddings-v4', 2048, { task: 'retrieval.passage' }, { task: 'retrieval.query' }],
  ['jina-clip-v2-hosted-512', 512, { dimensions: 512 }, { task: 'retrieval.query' }],
  ['voyage-3.5', 1024, { input_type: 'document' }, { input_type: 'query' }],
  ['voyage-multimodal-3', 1024, { input_type: 'document' }, { input_type: 'query' }],
  ['voyage-multimodal-3.5-256', 256, { output_dimension: 256 }, { input_type: 'query' }],
  ['cohere-embed-v4', 1536, { input_type: 'search_document' }, { input_type: 'search_query' }],
  ['google-multimodalembedding', 1408, {}],
  ['gemini-embedding-001-768', 768, {}],
  ['openai-compatible:acme/embed', 48, {}],
  ['tei:acme/small', 40, { truncate: true }],
  ['infinity:acme/small', 24, {}],
  ['ollama:acme-embed', 32, {}],
];

describe('each provider, by its documented protocol', () => {
  it.each(HOSTED)(
    '%s gives %i numbers a text, at length 1, in order',
    async (model, dimension, asDocument, asQuery = {}) => {
      const embedder = await load(model, api);
      expect(embedder.info.dimension).toBe(dimension);
      await expectVectors(
        embedder,
        TEXTS.map((text) => ({ text })),
      );
      expect(api.requests[0]?.body).toMatchObject(asDocument);
      await embedder.embed([{ text: 'a query' }], { as: 'query' });
      expect(api.requests.at(-1)?.body).toMatchObject(asQuery);
      expect(api.violations).toEqual([]);
    },
  );

  it('tells Gemini what a text is for', async () => {
    const embedder = await load('gemini-embedding-001', api);
    await embedder.embed([{ text: 'a text' }]);
    await embedder.embed([{ text: 'a query' }], { as: 'query' });
    const types = api.requests.map(({ body }) => (body['requests'] as { taskType: string }[])[0]?.taskType);
    expect(types).toEqual(['RETRIEVAL_DOCUMENT', 'RETRIEVAL_QUERY']);
  });

  it.each([
    ['jina-clip-v2-hosted', true],
    ['jina-embeddings-v4', true],
    ['voyage-multimodal-3', false],
    ['voyage-multimodal-3.5', false],
    ['cohere-embed-v4', false],
    ['google-multimodalembedding', true],
  ])('%s takes images, alone and with a text for one vector', async (model, apart) => {
    const embedder = await load(model, api);
    const image = { mime: 'application/octet-stream', bytes: await picture('png') };
    await expectVectors(
      embedder,
      [{ image }, { text: 'a square', image }, { text: 'a text' }, { text: ' ', image }].slice(0, 3),
      apart,
    );
    // A text of white space is none.
    const { vectors } = await embedder.embed([{ image }, { text: ' ', image }]);
    expect(vectors.slice(0, embedder.info.dimension)).toEqual(vectors.slice(embedder.info.dimension));
  });

  it('converts what a provider does not take to JPEG, and makes what is too large smaller', async () => {
    const embedder = await load('google-multimodalembedding', api);
    await embedder.embed([{ image: { mime: 'image/tiff', bytes: await picture('tiff') } }]);
    expect(kindOf(api.requests[0]?.inputs[0]?.image ?? Buffer.alloc(0))).toBe('jpeg');
    const cohere = await load('cohere-embed-v4', api);
    await cohere.embed([{ image: { mime: 'image/png', bytes: await picture('png', 2400) } }]);
    const sent = await sharp(api.requests[0]?.inputs[0]?.image).metadata();
    expect(sent.format).toBe('jpeg');
    expect(sent.width * sent.height).toBeLessThanOrEqual(2_458_624);
    expect(sent.width * sent.height).toBeGreaterThan(2_300_000);
  });

  it('refuses what can not be sent, without a request', async () => {
    const embedder = await load('voyage-multimodal-3', api);
    const result = await embedder.embed([
      { text: ' \n' },
      { image: { mime: 'image/png', bytes: Buffer.from('no image') } },
      { text: 'good' },
      {},
    ]);
    expect([...result.faults].map(([index, { code, poison }]) => [index, code, poison])).toEqual([
      [0, 'INPUT_EMPTY', true],
      [1, 'IMAGE_FORMAT_UNKNOWN', true],
      [3, 'INPUT_NOT_READABLE', true],
    ]);
    expect(api.requests.map(({ inputs }) => inputs)).toEqual([[{ text: 'good' }]]);
  });
});

describe('keys', () => {
  it.each([
    ['text-embedding-3-small', 'OPENAI_API_KEY'],
    ['jina-embeddings-v4', 'JINA_API_KEY'],
    ['voyage-3.5', 'VOYAGE_API_KEY'],
    ['cohere-embed-v4', 'COHERE_API_KEY'],
    ['gemini-embedding-001', 'GEMINI_API_KEY'],
  ])('%s needs %s, and says so before anything is sent', async (model, name) => {
    await expect(load(model, api, { environment: { [name]: '' } })).rejects.toThrow(name);
    await expect(load(model, api, { environment: { [name]: 'two words' } })).rejects.toThrow(name);
  });

  it('stops at a key that is wrong, and does not repeat it', async () => {
    const secret = 'sk-very-secret-very-long';
    const failure: unknown = await load('text-embedding-3-small', api, {
      environment: { OPENAI_API_KEY: secret },
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'HOSTED_KEY_REFUSED', message: expect.stringContaining('401') as string });
    expect(inspect(failure)).not.toContain(secret);
  });

  it('goes to Vertex with a token for a service account, signed with its key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'embedstream-google-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'account.json');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const account = {
      type: 'service_account',
      project_id: 'acme',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'robot@acme.iam.gserviceaccount.com',
      token_uri: `${api.url}/google/token`,
    };
    writeFileSync(path, JSON.stringify(account));
    const environment = { VERTEX_ACCESS_TOKEN: '', GOOGLE_CLOUD_PROJECT: '', GOOGLE_APPLICATION_CREDENTIALS: path };
    const embedder = await load('google-multimodalembedding', api, { environment });
    await expectVectors(embedder, [{ text: 'signed' }]);
    writeFileSync(path, '{}');
    await expect(load('google-multimodalembedding', api, { environment })).rejects.toThrow(/account\.json/);
  });

  it('says what Vertex lacks', async () => {
    const environment = { GOOGLE_CLOUD_PROJECT: '' };
    await expect(load('google-multimodalembedding', api, { environment })).rejects.toThrow('GOOGLE_CLOUD_PROJECT');
    // Port 9 discards; nobody listens there.
    const elsewhere = { VERTEX_ACCESS_TOKEN: '', CLOUDSDK_CONFIG: '/nonexistent', GCE_METADATA_HOST: '127.0.0.1:9' };
    const loading = load('google-multimodalembedding', api, { environment: elsewhere });
    await expect(loading).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('gcloud auth') as string,
    });
  });
});

describe("a server of one's own", () => {
  it('is part of the fingerprint by model and revision, not by address', async () => {
    const other = await startFakeApi();
    onTestFinished(() => other.stop());
    const [here, there] = [await load('tei:acme/small', api), await load('tei:acme/small', other)];
    expect(there.info).toEqual(here.info);
    expect(here.info).toMatchObject({ name: 'tei-acme--small', maxTokens: 512 });
    const shorter = await load('ollama:acme-embed?dimensions=16', api);
    expect(shorter.info).toMatchObject({ name: 'ollama-acme-embed-16', dimension: 16 });
    expect(shorter.info.fingerprint).not.toBe((await load('ollama:acme-embed', api)).info.fingerprint);
  });

  it('says which model it has when asked for another', async () => {
    await expect(load('tei:other', api)).rejects.toThrow('--model=tei:acme/small');
    await expect(load('ollama:other', api)).rejects.toThrow('ollama pull other');
    await expect(
      load('openai-compatible:acme/embed', api, { environment: { OPENAI_COMPATIBLE_BASE_URL: '' } }),
    ).rejects.toThrow('--base-url');
    const nobody = { environment: { TEI_BASE_URL: 'http://127.0.0.1:9' } };
    await expect(load('tei:acme/small', api, nobody)).rejects.toMatchObject({ code: 'HOSTED_UNAVAILABLE' });
  });

  it('gets as many inputs in a request as it takes', async () => {
    const embedder = await load('tei:acme/small', api);
    await embedder.embed(Array.from({ length: 30 }, (_, i) => ({ text: `text ${i}` })));
    // At the same time, so in any order.
    expect(api.requests.map(({ inputs }) => inputs.length).sort()).toEqual([6, 8, 8, 8]);
  });
});

it('has no key where none is needed', async () => {
  expect(KEY).not.toBe('');
  const environment = { TEI_API_KEY: '', OLLAMA_API_KEY: '' };
  await expectVectors(await load('tei:acme/small', api, { environment }), [{ text: 'free' }]);
});

async function picture(format: 'png' | 'tiff', size = 12): Promise<Buffer> {
  const background = { r: 200, g: 30, b: 60 };
  return sharp({ create: { width: size, height: size, channels: 3, background } })
    .toFormat(format)
    .toBuffer();
}
