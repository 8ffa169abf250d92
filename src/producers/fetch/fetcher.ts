import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { messageOf, PipelineError, poisonError } from '../../errors.ts';
import { backoffDelayMs, type BackoffOptions } from '../../backoff.ts';
import { kindOf, parseUrl, refusedError, retryAfterMs, shownUrl } from './answers.ts';
import { bodyOf } from './body.ts';
import { guardedConnector, type ResolveAll } from './guarded-connector.ts';
import { HostTurns } from './host-turns.ts';

export interface FetchLimits {
  /** Until there is a connection, the name's lookup included. */
  readonly connectMs: number;
  /** From the request to the answer's headers. */
  readonly answerMs: number;
  /** Between two chunks of the body. */
  readonly stallMs: number;
  /** For one request, from its turn to the end of its body. */
  readonly totalMs: number;
  readonly maxBytes: number;
  readonly redirects: number;
  /** Of a request that fails by no fault of its own, the first included. */
  readonly attempts: number;
  /** The longest pause that a server may ask for. */
  readonly pauseMs: number;
}

export interface FetcherOptions {
  /** Also hosts that are not on the internet: this machine, its network. Default false. */
  readonly allowPrivateHosts?: boolean;
  /** Requests to one host at a time. Default 4. */
  readonly requestsPerHost?: number;
  readonly limits?: Partial<FetchLimits>;
  readonly backoff?: BackoffOptions;
  /** How names are resolved. Default: by the system. */
  readonly resolve?: ResolveAll;
}

/** Takes in a body; called anew for each attempt. */
export type Receive<Result> = (body: AsyncIterable<Uint8Array>) => Promise<Result>;

const LIMITS: FetchLimits = {
  connectMs: 10_000,
  answerMs: 60_000,
  stallMs: 30_000,
  totalMs: 300_000,
  maxBytes: 8 * 1024 ** 2,
  redirects: 5,
  attempts: 5,
  pauseMs: 300_000,
};
const REQUESTS_PER_HOST = 4;
const BACKOFF: BackoffOptions = { baseMs: 500, capMs: 30_000 };

/**
 * Fetches from the web within bounds of time and size, politely, and from nowhere else than the internet unless that is
 * allowed. No proxy of the environment is used: it would connect on our behalf, where nothing could be checked.
 *
 * `fetch` rejects with a poison error where the URL or what it leads to is at fault (URL_INVALID, URL_PRIVATE_ADDRESS,
 * URL_HOST_UNKNOWN, URL_REFUSED, URL_REDIRECTS, URL_TOO_LARGE, URL_WRONG_CONTENT), and with FETCH_FAILED (retriable)
 * where the world is, after the last attempt. Messages hold neither passwords nor queries.
 */
export class Fetcher {
  readonly #limits: FetchLimits;
  readonly #backoff: BackoffOptions;
  readonly #turns: HostTurns;
  readonly #agent: Agent;
  /** A name has been resolved: one that can't be is wrong then, and not the machine without a DNS. */
  #resolvesNames = false;

  constructor({ allowPrivateHosts = false, requestsPerHost = REQUESTS_PER_HOST, ...options }: FetcherOptions = {}) {
    this.#limits = { ...LIMITS, ...options.limits };
    this.#backoff = options.backoff ?? BACKOFF;
    this.#turns = new HostTurns(requestsPerHost);
    this.#agent = new Agent({
      connections: requestsPerHost,
      connect: guardedConnector({
        timeoutMs: this.#limits.connectMs,
        allowPrivateHosts,
        onResolved: () => {
          this.#resolvesNames = true;
        },
        ...(options.resolve && { resolve: options.resolve }),
      }),
    });
  }

  async fetch<Result>(given: string, receive: Receive<Result>, signal?: AbortSignal): Promise<Result> {
    const url = parseUrl(given);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(url, receive, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = asFailure(error);
        if (attempt >= this.#limits.attempts || failure.pauseMs > this.#limits.pauseMs)
          throw this.#lastError(url, failure, attempt);
        const pauseMs = Math.max(failure.pauseMs, backoffDelayMs(attempt - 1, Math.random(), this.#backoff));
        await sleep(pauseMs, undefined, { ...(signal && { signal }) });
      }
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #attempt<Result>(given: URL, receive: Receive<Result>, signal: AbortSignal | undefined): Promise<Result> {
    let url = given;
    for (let redirects = 0; redirects <= this.#limits.redirects; redirects++) {
      const leave = await this.#turns.enter(url.host, signal);
      try {
        const next = await this.#ask(url, receive, signal);
        if ('result' in next) return next.result;
        // Another host must not learn what was meant for this one.
        if (next.url.origin === url.origin && next.url.username === '')
          [next.url.username, next.url.password] = [url.username, url.password];
        url = next.url;
      } finally {
        leave();
      }
    }
    throw poisonError('URL_REDIRECTS', `${shownUrl(given)} leads on more than ${this.#limits.redirects} times`);
  }

  /** One request: its result, or where it leads to. */
  async #ask<Result>(
    url: URL,
    receive: Receive<Result>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly result: Result } | { readonly url: URL }> {
    const { answerMs, stallMs, totalMs, maxBytes } = this.#limits;
    const timeout = AbortSignal.timeout(totalMs);
    const { statusCode, headers, body } = await request(withoutSecrets(url), {
      dispatcher: this.#agent,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'embedstream', ...authorization(url) },
      headersTimeout: answerMs,
      bodyTimeout: stallMs,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    // Whatever ends this early: an error of a body that nobody reads must not go unhandled.
    body.on('error', () => undefined);
    try {
      const kind = kindOf(statusCode);
      if (kind === 'good') return { result: await receive(bodyOf(body, headers, { maxBytes, shown: shownUrl(url) })) };
      const { location } = headers;
      if (kind === 'redirect' && typeof location === 'string') return { url: parseUrl(location, url) };
      if (kind !== 'busy') throw refusedError(url, statusCode);
      const pauseMs = retryAfterMs(headers['retry-after'], Date.now()) ?? 0;
      if (pauseMs <= this.#limits.pauseMs) this.#turns.pause(url.host, pauseMs);
      throw new BusyAnswer(statusCode, pauseMs);
    } finally {
      body.destroy();
    }
  }

  #lastError(url: URL, { error, pauseMs }: Failure, attempts: number): PipelineError {
    const shown = shownUrl(url);
    if (codeOf(error) === 'ENOTFOUND' && this.#resolvesNames)
      return poisonError('URL_HOST_UNKNOWN', `${shown}: there is no host of this name`, error);
    const asked = pauseMs > this.#limits.pauseMs ? ` It asks to be left alone for ${Math.ceil(pauseMs / 1000)} s.` : '';
    const what = `${shown} could not be fetched in ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
    return new PipelineError('FETCH_FAILED', `${what}: ${wordsOf(error)}.${asked} Try again later.`, {
      retriable: true,
      cause: error,
    });
  }
}

/** A server that has trouble, or too much to do. */
class BusyAnswer extends Error {
  readonly pauseMs: number;

  constructor(status: number, pauseMs: number) {
    super(`the server answers ${status}`);
    this.pauseMs = pauseMs;
  }
}

interface Failure {
  readonly error: unknown;
  readonly pauseMs: number;
}

/** What may be tried again; throws everything else. */
function asFailure(error: unknown): Failure {
  if (error instanceof BusyAnswer) return { error, pauseMs: error.pauseMs };
  const isOfTheNetwork = error instanceof Error && (codeOf(error) !== '' || error.name === 'TimeoutError');
  if (error instanceof PipelineError || !isOfTheNetwork) throw error;
  return { error, pauseMs: 0 };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Happy eyeballs' error of several addresses has no message of its own. */
function wordsOf(error: unknown): string {
  const message = messageOf(error).replace(/\.$/, '');
  return message === '' ? codeOf(error) : message;
}

function withoutSecrets(url: URL): URL {
  const bare = new URL(url);
  bare.username = bare.password = bare.hash = '';
  return bare;
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const secret = `${decoded(username)}:${decoded(password)}`;
  return { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It has a percent sign that encodes nothing.
    return text;
  }
}
