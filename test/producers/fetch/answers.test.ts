import { describe, expect, it } from 'vitest';
import { kindOf, parseUrl, retryAfterMs, shownUrl } from '../../../src/producers/fetch/answers.ts';

it.each([
  [200, 'good'],
  [204, 'refused'],
  [206, 'refused'],
  [301, 'redirect'],
  [304, 'refused'],
  [308, 'redirect'],
  [400, 'refused'],
  [403, 'refused'],
  [404, 'refused'],
  [408, 'busy'],
  [410, 'refused'],
  [415, 'refused'],
  [425, 'busy'],
  [429, 'busy'],
  [500, 'busy'],
  [503, 'busy'],
] as const)('an answer of %i is %s', (status, kind) => {
  expect(kindOf(status)).toBe(kind);
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    [undefined, undefined],
  ])('%j is %j ms', (value, ms) => {
    expect(retryAfterMs(value, now)).toBe(ms);
  });
});

it.each(['file:///etc/passwd', 'ftp://a.b/c', 'data:image/png;base64,AA==', 'not a url', '//a.b/c', 'javascript:1'])(
  '%s is not fetched',
  (text) => {
    expect(() => parseUrl(text)).toThrow(expect.objectContaining({ code: 'URL_INVALID', poison: true }) as Error);
  },
);

it('what is shown of a URL holds no secret', () => {
  expect(shownUrl(new URL('https://user:geheim@a.b:8080/c%20d?token=geheim#x'))).toBe('https://a.b:8080/c%20d');
});
