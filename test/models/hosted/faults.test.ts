import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbedInput } from '../../../src/models/port.ts';
import { fakeVector } from '../../fakes/embedding-apis/protocol.ts';
import { KEY, type FakeApi, type Fault } from '../../fakes/embedding-apis/server.ts';
import { cosine, load, newApi, rowOf } from './load.ts';
import { jumpingTiming } from './manual-timing.ts';

const MODEL = 'text-embedding-3-small-512';
const DIMENSION = 512;
const QUICK = { connectMs: 1000, stallMs: 300, wholeMs: 600 };

function texts(count: number, prefix = 'text'): EmbedInput[] {
  return Array.from({ length: count }, (_, i) => ({ text: `${prefix} ${i}` }));
}

async function expectAll(embedding: Promise<{ vectors: Float32Array }>, inputs: readonly EmbedInput[]): Promise<void> {
  const result = await embedding;
  inputs.forEach((input, index) => {
    const row = rowOf(result, index, DIMENSION);
    expect(cosine(row, fakeVector({ text: input.text ?? '' }, DIMENSION)), input.text).toBeGreaterThan(0.99999);
  });
}

describe('faults of the world', () => {
  it.each<[string, Fault]>([
    ['a server that fails', 500],
    ['a gateway without a server', 502],
    ['a server that is down for a moment', { status: 503, headers: { 'retry-after': '2' } }],
    ['a page of a proxy', { status: 504, body: '<html>Gateway Time-out</html>' }],
    ['a cut connection', 'cut'],
    ['an answer that ends in the middle', 'half'],
    ['an answer whose end never comes', 'stall'],
    ['no answer', 'silence'],
    ['an answer slower than anybody waits', 'slow'],
    ['malformed JSON', 'malformed'],
    ['a vector too few', 'one-less'],
    ['an index that comes twice', 'twice-the-same-index'],
    ['a vector that is too short', 'wrong-dimension'],
    ['a vector with a null', 'null-in-vector'],
  ])('%s costs a repetition, and no row', async (_what, fault) => {
    const api = await newApi();
    const embedder = await load(MODEL, api, { timing: jumpingTiming(), timeouts: QUICK });
    api.faults.push(fault);
    await expectAll(embedder.embed(texts(5)), texts(5));
    expect(api.requests).toHaveLength(2);
    expect(embedder.usage?.()).toMatchObject({ requests: 2 });
    expect(api.violations).toEqual([]);
  });

  it('puts answers that come in another order in theirs', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.faults.push('shuffled');
    await expectAll(embedder.embed(texts(5)), texts(5));
    expect(api.requests).toHaveLength(1);
  });

  it('ends after ten failures in a row, with what was wrong, and nothing is a dead letter', async () => {
    const api = await newApi();
    const timing = jumpingTiming();
    const embedder = await load(MODEL, api, { timing });
    api.judge = () => 500;
    await expect(embedder.embed(texts(3))).rejects.toMatchObject({
      code: 'HOSTED_UNAVAILABLE',
      retriable: true,
      poison: false,
      message: expect.stringMatching(/HTTP 500: told to answer 500.*again/) as string,
    });
    expect(api.requests).toHaveLength(10);
    // Exponential with full jitter, of which the middle is drawn here.
    expect(timing.waits.map(Math.round)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    // What comes later is not tried at all.
    await expect(embedder.embed(texts(1))).rejects.toMatchObject({ code: 'HOSTED_UNAVAILABLE' });
    expect(api.requests).toHaveLength(10);
  });

  it.each<[string, Fault, string]>([
    ['a key that is withdrawn', 401, 'HOSTED_KEY_REFUSED'],
    ['a key that may not', 403, 'HOSTED_KEY_REFUSED'],
    ['no money', 402, 'HOSTED_QUOTA_SPENT'],
    ['a model that is gone', 404, 'HOSTED_REQUEST_REFUSED'],
    [
      "OpenAI's spent quota",
      { status: 429, body: '{"error":{"message":"You exceeded your current quota.","code":"insufficient_quota"}}' },
      'HOSTED_QUOTA_SPENT',
    ],
    ['a wait of hours', { status: 429, headers: { 'retry-after': '7200' } }, 'HOSTED_QUOTA_SPENT'],
  ])('stops at %s at once', async (_what, fault, code) => {
    const api = await newApi();
    const embedder = await load(MODEL, api, { timing: jumpingTiming() });
    api.judge = () => fault;
    await expect(embedder.embed(texts(3))).rejects.toMatchObject({
      ...{ code, retriable: false, poison: false },
      message: expect.not.stringContaining('..') as string,
    });
    expect(api.requests).toHaveLength(1);
  });

  it('lets what is under way finish when another request stops it all', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.delayMs = 50;
    api.judge = ({ inputs }) => (inputs.some(({ text }) => text?.startsWith('bad')) ? 401 : undefined);
    const [good, bad] = await Promise.allSettled([embedder.embed(texts(2)), embedder.embed(texts(96, 'bad'))]);
    expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected']);
  });

  it('finds a model that gives every text the same vector before anything is embedded', async () => {
    const api = await newApi();
    api.faults.push('all-the-same');
    await expect(load(MODEL, api)).rejects.toMatchObject({ code: 'MODEL_CANARY_FAILED' });
  });

  it('finds a dimension that is not the one that was asked for', async () => {
    const api = await newApi();
    api.judge = () => 'wrong-dimension';
    await expect(load(MODEL, api, { timing: jumpingTiming() })).rejects.toMatchObject({
      code: 'HOSTED_UNAVAILABLE',
      message: expect.stringContaining('511 numbers') as string,
    });
  });
});

describe('inputs at fault', () => {
  it('are found by halving, and alone refused', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.poison = /text (?:3|77)$/;
    const inputs = texts(96);
    const embedding = embedder.embed(inputs);
    const { faults } = await embedding;
    expect([...faults.keys()].sort()).toEqual([3, 77]);
    expect(faults.get(3)).toMatchObject({ code: 'HOSTED_INPUT_REFUSED', poison: true });
    await expectAll(
      embedding,
      inputs
        .map((input, i) => (i === 3 || i === 77 ? {} : input))
        .filter(({ text }) => text)
        .slice(0, 3),
    );
    expect(api.served).toHaveLength(94);
    expect(new Set(api.served).size).toBe(94);
    // Two paths through seven levels of halves, two requests a level at most.
    expect(api.requests.length).toBeLessThan(30);
  });

  it('alone in their requests, are at fault only if the provider takes something else', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api, { timing: jumpingTiming() });
    api.poison = /text 0/;
    const { faults } = await embedder.embed(texts(1));
    expect([...faults.keys()]).toEqual([0]);
    expect(api.requests).toHaveLength(2);
    api.poison = /./;
    await expect(embedder.embed(texts(1))).rejects.toMatchObject({ code: 'HOSTED_REFUSES_EVERYTHING', poison: false });
    expect(api.violations).toEqual([]);
  });

  it('of which some were answered while the provider turned to refusing all, are no dead letters', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.delayMs = 20;
    let refusesAll = false;
    api.judge = ({ inputs }) => {
      if (inputs.some(({ text }) => text === 'text 0')) refusesAll = true;
      return refusesAll ? 400 : undefined;
    };
    const settled = await Promise.allSettled([embedder.embed(texts(2, 'before')), embedder.embed(texts(96))]);
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: { code: 'HOSTED_REFUSES_EVERYTHING' } });
  });

  it('that are too long are cut to what the provider says', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    const tooLong = (length: number): string =>
      `This model's maximum context length is 8192 tokens, however you requested ${length} tokens`;
    api.judge = ({ inputs }) => {
      const tokens = inputs.reduce((sum, { text = '' }) => sum + text.split(' ').length, 0);
      const message = JSON.stringify({ error: { message: tooLong(tokens), type: 'invalid_request_error' } });
      return tokens > 8192 ? { status: 400, body: message } : undefined;
    };
    const long = Array.from({ length: 9000 }, (_, i) => `w${i}`).join(' ');
    const { truncated, faults, tokenCounts } = await embedder.embed([{ text: 'short' }, { text: long }]);
    expect(faults.size).toBe(0);
    expect([...truncated]).toEqual([0, 1]);
    expect(long.startsWith(api.served.at(-1) ?? '-')).toBe(true);
    expect((api.served.at(-1) ?? '').split(' ').length).toBeGreaterThan(7500);
    expect(tokenCounts[0]).toBeLessThan(10);
  });
});

describe('rate limits', () => {
  it('repeats a refused batch whole, after as long as it is told', async () => {
    const api = await newApi();
    const timing = jumpingTiming(() => 0);
    const embedder = await load(MODEL, api, { timing });
    api.faults.push({ status: 429, headers: { 'retry-after': '7' } });
    await expectAll(embedder.embed(texts(60)), texts(60));
    expect(api.requests.map(({ inputs }) => inputs.length)).toEqual([60, 60]);
    expect(timing.waits).toEqual([7000]);
    expect(embedder.usage?.()).toMatchObject({ requests: 2, rateLimited: 1, failed: 0 });
  });

  it('loses no row of a free tier of three requests a minute that says nothing but 429', async () => {
    const api = await newApi();
    const timing = jumpingTiming(Math.random);
    const starts: number[] = [];
    api.judge = () => {
      const recent = starts.filter((at) => timing.now() - at < 60_000);
      if (recent.length >= 3) return 429;
      starts.push(timing.now());
      return undefined;
    };
    const embedder = await load(MODEL, api, { timing, requestInputs: 10 });
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => embedder.embed(texts(10, `window ${i}`))));
    expect(all.every(({ faults }) => faults.size === 0)).toBe(true);
    expect(new Set(api.served).size).toBe(200);
    expect(api.served).toHaveLength(200);
  });

  it('fills requests when a limit that is given leaves few of them', async () => {
    const api = await newApi();
    const timing = jumpingTiming();
    const embedder = await load(MODEL, api, { timing, requestsPerMinute: 3 });
    await embedder.embed(texts(2400));
    expect(api.requests.map(({ inputs }) => inputs.length).sort()).toEqual([2048, 352]);
    // After the canary's, at 20 s and at 40 s.
    expect(timing.now()).toBeGreaterThan(40_000);
  });

  it('learns limits from headers, of tokens as well', async () => {
    const api = await newApi();
    const timing = jumpingTiming();
    api.headers = { 'x-ratelimit-limit-requests': '6000', 'x-ratelimit-limit-tokens': '3000' };
    const embedder = await load(MODEL, api, { timing });
    const inputs = texts(500, 'about four tokens');
    await expectAll(embedder.embed(inputs), inputs);
    // 500 texts of 6 tokens each: a minute's worth.
    expect(timing.now()).toBeGreaterThan(30_000);
    for (const { inputs: sent } of api.requests)
      expect(sent.reduce((sum, { text = '' }) => sum + text.length / 4, 0)).toBeLessThanOrEqual(3000);
  });

  it('waits for the reset when nothing is left', async () => {
    const api = await newApi();
    const timing = jumpingTiming();
    const embedder = await load(MODEL, api, { timing });
    api.headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '31s' };
    await embedder.embed(texts(1));
    api.headers = {};
    await embedder.embed(texts(1));
    expect(timing.waits).toEqual([31_000]);
  });

  it('gives up when nothing was taken for a quarter of an hour', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api, { timing: jumpingTiming() });
    api.judge = () => 429;
    await expect(embedder.embed(texts(1))).rejects.toMatchObject({ code: 'HOSTED_RATE_LIMITED', retriable: true });
  });
});

describe('a stop', () => {
  it('ends waits at once, and takes nothing that was not sent', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.faults.push({ status: 429, headers: { 'retry-after': '600' } });
    const stop = new AbortController();
    const embedding = embedder.embed(texts(3), { signal: stop.signal });
    await expect.poll(() => embedder.usage?.().rateLimited).toBe(1);
    stop.abort();
    await expect(embedding).rejects.toThrow('aborted');
    await expect(embedder.embed(texts(3), { signal: stop.signal })).rejects.toThrow('aborted');
    expect(api.requests).toHaveLength(1);
  });

  it('finishes what is under way and rejects the rest with its reason', async () => {
    const api = await newApi();
    const stop = new AbortController();
    const embedder = await load(MODEL, api, { stop: stop.signal, concurrency: 1 });
    api.delayMs = 100;
    const embeddings = [embedder.embed(texts(96)), embedder.embed(texts(96, 'later'))];
    await expect.poll(() => api.requests.length).toBe(1);
    stop.abort();
    const [first, second] = await Promise.allSettled(embeddings);
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(second).toMatchObject({ status: 'rejected', reason: stop.signal.reason as unknown });
    expect(api.requests).toHaveLength(1);
  });

  it('breaks off what is under way when it is closed', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api);
    api.faults.push('silence');
    const embedding = embedder.embed(texts(1));
    embedding.catch(() => undefined);
    await expect.poll(() => api.requests.length).toBe(1);
    await embedder.close();
    await expect(embedding).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
  });
});

describe('cost', () => {
  it('is what is billed, by the price that is given', async () => {
    const api = await newApi();
    const embedder = await load(MODEL, api, { usdPerMillionTokens: 20 });
    const before = embedder.usage?.().tokens ?? 0;
    const { tokenCounts } = await embedder.embed([{ text: 'x'.repeat(40) }, { text: 'y'.repeat(80) }]);
    const usage = embedder.usage?.();
    // The fake counts 1 + length / 4 each, and says only the sum.
    expect((usage?.tokens ?? 0) - before).toBe(32);
    expect([...tokenCounts]).toEqual([11, 21]);
    expect(usage?.costUsd).toBeCloseTo(((before + 32) * 20) / 1e6, 10);
  });

  it('can be limited only where it is known', async () => {
    const api = await newApi();
    const model = 'openai-compatible:acme/embed';
    await expect(load(model, api, { maxCostUsd: 1 })).rejects.toThrow('--price-per-million-tokens');
  });

  it('stays below its limit: what is paid for is answered, and the rest is not sent', async () => {
    const api = await newApi();
    const limit = 0.1;
    const embedder = await load(MODEL, api, { usdPerMillionTokens: 10, maxCostUsd: limit, concurrency: 4 });
    const windows = Array.from({ length: 40 }, (_, i) => embedder.embed(texts(20, `${'many words '.repeat(10)} ${i}`)));
    const settled = await Promise.allSettled(windows);
    const done = settled.filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(40);
    expect(api.served).toHaveLength(done * 20);
    const refused = settled.find((each) => each.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'HOSTED_COST_LIMIT', retriable: false });
    const { costUsd = NaN } = embedder.usage?.() ?? {};
    expect(costUsd).toBeLessThanOrEqual(limit);
    expect(costUsd).toBeGreaterThan(limit / 3);
  });
});

describe('a proxy', () => {
  it('is used where the environment names one, except for hosts without', async () => {
    const api = await newApi();
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(502).end();
    });
    // A tunnel is asked for with CONNECT.
    proxy.on('connect', (request, socket) => {
      seen.push(request.url ?? '');
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      proxy.close();
    });
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const environment = { HTTP_PROXY: url, HTTPS_PROXY: url };
    await expect(load(MODEL, api, { environment, timing: jumpingTiming() })).rejects.toMatchObject({
      code: 'HOSTED_UNAVAILABLE',
    });
    expect(seen[0]).toContain('127.0.0.1');
    const embedder = await load(MODEL, api, { environment: { ...environment, NO_PROXY: '127.0.0.1' } });
    await expectAll(embedder.embed(texts(1)), texts(1));
  });
});

it('does not take a redirect, which would carry the key along', async () => {
  const api: FakeApi = await newApi();
  const embedder = await load(MODEL, api, { timing: jumpingTiming() });
  api.faults.push({ status: 307, headers: { location: 'http://127.0.0.1:9/' } });
  await expect(embedder.embed(texts(1))).rejects.toMatchObject({ code: 'HOSTED_REQUEST_REFUSED' });
  expect(KEY).not.toBe('');
});
