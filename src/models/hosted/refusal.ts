import { retryAfterMs } from './limit-headers.ts';
import type { HttpAnswer } from './http-connection.ts';

/** What is to become of a request that was not answered with vectors. */
export type Refusal =
  /** Too soon: the whole batch again, after the pause. */
  | { readonly kind: 'later'; readonly what: string; readonly waitMs?: number }
  /** A fault of the network or the provider: the whole batch again, a few times. */
  | { readonly kind: 'again'; readonly what: string }
  /** One of the inputs: halves, until it is alone. */
  | { readonly kind: 'input'; readonly what: string }
  /** Nothing that waiting or halving would mend. */
  | { readonly kind: 'stop'; readonly what: string; readonly code: StopCode };

export type StopCode = 'HOSTED_KEY_REFUSED' | 'HOSTED_QUOTA_SPENT' | 'HOSTED_REQUEST_REFUSED';

/** Who asks to wait longer has no quota left for now. */
const LONGEST_WAIT_MS = 15 * 60_000;
const MAX_MESSAGE_CHARACTERS = 300;

/**
 * By status first, and by what the body says where a status has two meanings. Pure.
 *
 * @param nowMs since the epoch.
 */
export function refusalOf({ status, headers, body }: HttpAnswer, nowMs: number): Refusal {
  const json = parsed(body);
  const what = `HTTP ${status}${messageIn(json, body)}`;
  const waitMs = retryAfterMs(headers, nowMs) ?? googleRetryMs(json);
  switch (status) {
    case 401:
    case 407:
      return { kind: 'stop', code: 'HOSTED_KEY_REFUSED', what };
    case 402:
      return { kind: 'stop', code: 'HOSTED_QUOTA_SPENT', what };
    case 403:
      return { kind: 'stop', code: isSpent(body) ? 'HOSTED_QUOTA_SPENT' : 'HOSTED_KEY_REFUSED', what };
    case 429:
      if (isSpent(body) || (waitMs ?? 0) > LONGEST_WAIT_MS) return { kind: 'stop', code: 'HOSTED_QUOTA_SPENT', what };
      return { kind: 'later', what, ...(waitMs !== undefined && { waitMs }) };
    case 400:
      // Google's answer to a wrong key, and to an account that may not.
      if (/API_KEY_INVALID|API key not valid|API key expired/i.test(body))
        return { kind: 'stop', code: 'HOSTED_KEY_REFUSED', what };
      if (body.includes('FAILED_PRECONDITION')) return { kind: 'stop', code: 'HOSTED_REQUEST_REFUSED', what };
      return { kind: 'input', what };
    case 413:
    case 422:
      return { kind: 'input', what };
    case 408:
    case 409:
    case 424:
    case 425:
      return { kind: 'again', what };
  }
  if (status < 500) return { kind: 'stop', code: 'HOSTED_REQUEST_REFUSED', what };
  if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS && status === 503) return { kind: 'later', what, waitMs };
  return { kind: 'again', what };
}

/**
 * A 429 that no pause of minutes ends: OpenAI's `insufficient_quota`, a balance of none (Jina), a month's calls of a
 * trial key (Cohere), a day's requests (Google's quota ids end in PerDay…).
 */
const SPENT: readonly RegExp[] = [
  /insufficient[_ ](?:quota|balance|funds|credit)/i,
  /exceeded your current quota, please check your plan/i,
  /billing_hard_limit/i,
  /API calls ?\/ ?month/i,
  /PerDay/,
];

function isSpent(body: string): boolean {
  return SPENT.some((sign) => sign.test(body));
}

/** google.rpc.RetryInfo, in seconds with an `s`. */
function googleRetryMs(json: unknown): number | undefined {
  const details = at(at(json, 'error'), 'details');
  if (!Array.isArray(details)) return undefined;
  for (const detail of details as unknown[]) {
    const delay = at(detail, 'retryDelay');
    if (typeof delay === 'string' && /^\d+(?:\.\d+)?s$/.test(delay)) return parseFloat(delay) * 1000;
  }
  return undefined;
}

/** Each provider has its own place for it. */
function messageIn(json: unknown, body: string): string {
  const error = at(json, 'error');
  const candidates = [
    at(error, 'message'),
    error,
    at(json, 'message'),
    at(json, 'detail'),
    at(at(json, 'detail'), 'message'),
  ];
  const found = candidates.find((each) => typeof each === 'string' && each !== '');
  const text = (typeof found === 'string' ? found : body).replace(/\s+/g, ' ').trim();
  if (text === '') return '';
  return `: ${text.length > MAX_MESSAGE_CHARACTERS ? `${text.slice(0, MAX_MESSAGE_CHARACTERS)}…` : text}`;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // A proxy's page: its text will do.
    return undefined;
  }
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
