import type { ResponseHeaders } from './provider.ts';

/** What a provider says of a limit that it counts by. */
export interface StatedLimit {
  /** A minute. */
  readonly limit?: number;
  readonly remaining?: number;
  /** Until there is some again. */
  readonly resetMs?: number;
}

export interface StatedLimits {
  readonly requests: StatedLimit;
  readonly tokens: StatedLimit;
}

/**
 * The limits in a response's headers. Pure.
 *
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` are OpenAI's (platform.openai.com/docs/guides/rate-limits),
 * which others have taken over; Cohere tells trial keys their calls a minute by `x-trial-endpoint-call-limit`.
 */
export function statedLimits(headers: ResponseHeaders): StatedLimits {
  const trial = countOf(headers['x-trial-endpoint-call-limit']);
  const requests = statedLimit(headers, 'requests');
  return {
    requests: { ...(trial !== undefined && { limit: trial }), ...requests },
    tokens: statedLimit(headers, 'tokens'),
  };
}

function statedLimit(headers: ResponseHeaders, of: 'requests' | 'tokens'): StatedLimit {
  const limit = countOf(headers[`x-ratelimit-limit-${of}`]);
  const remaining = countOf(headers[`x-ratelimit-remaining-${of}`]);
  const resetMs = durationMs(headers[`x-ratelimit-reset-${of}`]);
  return {
    // A limit of none is how some say that there is none.
    ...(limit !== undefined && limit > 0 && { limit }),
    ...(remaining !== undefined && { remaining }),
    ...(resetMs !== undefined && { resetMs }),
  };
}

/**
 * How long a response asks to wait: `retry-after` in seconds or as a date (RFC 9110, 10.2.3), or `retry-after-ms`.
 *
 * @param nowMs since the epoch, for dates.
 */
export function retryAfterMs(headers: ResponseHeaders, nowMs: number): number | undefined {
  const ms = Number(headers['retry-after-ms'] ?? NaN);
  if (ms >= 0) return ms;
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0) return seconds * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `6m0s`, `1.5s`, `120ms`; a bare number is in seconds. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bare = Number(text);
  if (text.trim() !== '' && bare >= 0) return bare * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    total += Number(number) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
}

function countOf(text: string | undefined): number | undefined {
  const count = Number(text ?? NaN);
  return count >= 0 && Number.isFinite(count) ? count : undefined;
}
