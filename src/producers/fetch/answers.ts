import { poisonError, type PipelineError } from '../../errors.ts';

/** What an answer's status means for whoever asked. */
export type AnswerKind = 'good' | 'redirect' | 'refused' | 'busy';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** 408 and 425 say that the same request may succeed; 429, and all of 5xx, that the server has trouble. */
const BUSY = new Set([408, 425, 429]);

export function kindOf(status: number): AnswerKind {
  if (status === 200) return 'good';
  if (REDIRECTS.has(status)) return 'redirect';
  return status >= 500 || BUSY.has(status) ? 'busy' : 'refused';
}

/** Milliseconds that a Retry-After asks for (seconds or a date, RFC 9110), or undefined. */
export function retryAfterMs(value: string | readonly string[] | undefined, nowMs: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  // Dates alone: Date.parse takes almost anything that has digits in it.
  const date = /^\s*[A-Z][a-z]+, /.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** The address without what may be secret in it: no password, no query. */
export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

export function refusedError(url: URL, status: number): PipelineError {
  return poisonError('URL_REFUSED', `${shownUrl(url)} answers ${status}. Check the address and its rights`);
}

/** @throws PipelineError (poison) URL_INVALID */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (url === undefined) throw poisonError('URL_INVALID', 'this is no URL that can be read');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw poisonError('URL_INVALID', `a URL of "${url.protocol}" is not fetched, only http and https`);
  return url;
}
