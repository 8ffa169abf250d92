import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, retryAfterMs, statedLimits } from '../../../src/models/hosted/limit-headers.ts';
import { AnswerFault } from '../../../src/models/hosted/provider.ts';
import { readVectors } from '../../../src/models/hosted/read-vectors.ts';
import { refusalOf } from '../../../src/models/hosted/refusal.ts';
import { cutToBytes } from '../../../src/models/hosted/shorten.ts';
import { estimateTokens, spreadTokens } from '../../../src/models/hosted/token-estimate.ts';
import { costOf, UsageMeter } from '../../../src/models/hosted/usage-meter.ts';

describe('limits in headers', () => {
  it.each([
    ['1s', 1000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1.5s', 1500],
    ['1h2m3s', 3_723_000],
    ['30', 30_000],
    ['soon', undefined],
    ['', undefined],
  ])('%s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:01:40 GMT' }, 90_000],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:01 GMT' }, 0],
    [{ 'retry-after': 'later' }, undefined],
    [{}, undefined],
  ])('%j', (headers, ms) => {
    expect(retryAfterMs(headers, 10_000)).toBe(ms);
  });

  it("are OpenAI's, and a trial key's of Cohere", () => {
    const headers = {
      'x-ratelimit-limit-requests': '3000',
      'x-ratelimit-remaining-requests': '2999',
      'x-ratelimit-reset-requests': '20ms',
      'x-ratelimit-limit-tokens': '0',
      'x-ratelimit-remaining-tokens': 'many',
    };
    expect(statedLimits(headers)).toEqual({ requests: { limit: 3000, remaining: 2999, resetMs: 20 }, tokens: {} });
    expect(statedLimits({ 'x-trial-endpoint-call-limit': '40' }).requests).toEqual({ limit: 40 });
  });
});

describe('refusalOf', () => {
  const google = (status: string, details: unknown[] = []): string =>
    JSON.stringify({ error: { code: 429, message: 'Quota exceeded', status, details } });
  it.each([
    [429, '', {}, { kind: 'later' }],
    [429, '', { 'retry-after': '2' }, { kind: 'later', waitMs: 2000 }],
    [429, google('RESOURCE_EXHAUSTED', [{ retryDelay: '31s' }]), {}, { kind: 'later', waitMs: 31_000 }],
    [
      429,
      google('RESOURCE_EXHAUSTED', [{ violations: [{ quotaId: 'EmbedRequestsPerDay-FreeTier' }] }]),
      {},
      { kind: 'stop', code: 'HOSTED_QUOTA_SPENT' },
    ],
    [429, '{"message":"limited to 1000 API calls / month"}', {}, { kind: 'stop', code: 'HOSTED_QUOTA_SPENT' }],
    [403, '{"detail":"AUTHZ_INSUFFICIENT_BALANCE"}', {}, { kind: 'stop', code: 'HOSTED_QUOTA_SPENT' }],
    [403, '{"detail":"no"}', {}, { kind: 'stop', code: 'HOSTED_KEY_REFUSED' }],
    [
      400,
      '{"error":{"message":"API key not valid. Please pass a valid API key."}}',
      {},
      { kind: 'stop', code: 'HOSTED_KEY_REFUSED' },
    ],
    [400, google('FAILED_PRECONDITION'), {}, { kind: 'stop', code: 'HOSTED_REQUEST_REFUSED' }],
    [400, '{"detail":"bad input"}', {}, { kind: 'input', what: 'HTTP 400: bad input' }],
    [413, '', {}, { kind: 'input', what: 'HTTP 413' }],
    [
      422,
      '{"error":"Tokenization error","error_type":"Tokenizer"}',
      {},
      { kind: 'input', what: 'HTTP 422: Tokenization error' },
    ],
    [424, '{"error":"Inference failed","error_type":"Backend"}', {}, { kind: 'again' }],
    [404, '', {}, { kind: 'stop', code: 'HOSTED_REQUEST_REFUSED' }],
    [302, '', {}, { kind: 'stop', code: 'HOSTED_REQUEST_REFUSED' }],
    [503, '', { 'retry-after': '5' }, { kind: 'later', waitMs: 5000 }],
    [503, '', {}, { kind: 'again' }],
    [529, 'overloaded', {}, { kind: 'again', what: 'HTTP 529: overloaded' }],
  ])('%i %s %j', (status, body, headers, expected) => {
    expect(refusalOf({ status, body, headers }, 0)).toMatchObject(expected);
  });

  it('shows no more of a message than fits a line', () => {
    const { what } = refusalOf({ status: 500, headers: {}, body: `two\nlines ${'x'.repeat(1000)}` }, 0);
    expect(what.length).toBeLessThan(330);
    expect(what).not.toContain('\n');
  });
});

describe('readVectors', () => {
  const shape = { dimension: 2, normalise: true };
  it('reads numbers and base64 alike, and averages parts at length 1', () => {
    const base64 = Buffer.from(Float32Array.of(3, 4).buffer).toString('base64');
    const rows = readVectors(
      {
        vectors: [
          [[3, 4]],
          [base64],
          [
            [0, 5],
            [7, 0],
          ],
        ],
      },
      3,
      shape,
    );
    const half = Math.fround(Math.SQRT1_2);
    expect([...rows].map((value) => value.toFixed(6))).toEqual(
      [0.6, 0.8, 0.6, 0.8, half, half].map((value) => value.toFixed(6)),
    );
  });

  it.each([
    ['too few', [[[1, 2]]]],
    ['too short', [[[1, 2]], [[1]]]],
    ['too long, in base64', [[[1, 2]], [Buffer.alloc(12).toString('base64')]]],
    ['not numbers', [[[1, 2]], [['1', 2]]]],
    ['null', [[[1, 2]], [[null, 2]]]],
    ['not finite', [[[1, 2]], [[1e39, 2]]]],
    ['not a number, in base64', [[[1, 2]], [Buffer.from(Float32Array.of(NaN, 1).buffer).toString('base64')]]],
    ['all zeros', [[[1, 2]], [[0, 0]]]],
    ['none', [[[1, 2]], []]],
  ])('refuses vectors that are %s', (_what, vectors) => {
    expect(() => readVectors({ vectors }, 2, shape)).toThrow(AnswerFault);
  });
});

describe('tokens', () => {
  it('are estimated by bytes of UTF-8, and images by what the provider says', () => {
    expect(estimateTokens({ text: 'twelve bytes' })).toBe(3);
    expect(estimateTokens({ text: '漢字漢字' })).toBe(3);
    const images = { mimes: [], maxBytes: 1, maxPixels: 1, tokens: (pixels: number) => pixels / 10 };
    const image = { mime: '', bytes: new Uint8Array(0), pixels: 100 };
    expect(estimateTokens({ text: 'four', image }, images)).toBe(11);
  });

  it('of a request are spread so that they add up', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.array(fc.integer({ min: 1, max: 1e5 }), { minLength: 1 }), (total, estimates) => {
        const parts = spreadTokens(total, estimates);
        expect(parts.reduce((sum, each) => sum + each, 0)).toBe(total);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('cuts no character in two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, bytes) => {
        const cut = cutToBytes(text, bytes);
        expect(text.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(Math.max(bytes, 0));
      }),
    );
  });
});

describe('cost', () => {
  it('is that of tokens and images, as far as prices are known', () => {
    expect(costOf({ usdPerMillionTokens: 0.02 }, 1e6, 5)).toBeCloseTo(0.02);
    expect(costOf({ usdPerThousandImages: 0.1 }, 1e6, 500)).toBeCloseTo(0.05);
    expect(costOf({}, 1, 1)).toBeUndefined();
    expect(costOf(undefined, 1, 1)).toBeUndefined();
  });

  it('counts what is under way against the limit, carefully until the estimate has proved itself', () => {
    const meter = new UsageMeter({ usdPerMillionTokens: 1e6 }, 100);
    expect(meter.allows(50, 0)).toBe(true);
    expect(meter.allows(51, 0)).toBe(false);
    meter.sent(30, 0);
    expect(meter.allows(21, 0)).toBe(false);
    meter.returned(30, 0);
    for (let i = 0; i < 8; i++) meter.answered(1, 1, 0);
    expect(meter.allows(92, 0)).toBe(true);
    expect(meter.allows(93, 0)).toBe(false);
    meter.answered(1, 4, 0);
    expect(meter.allows(22, 0)).toBe(true);
    expect(meter.allows(23, 0)).toBe(false);
  });
});
