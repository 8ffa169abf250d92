import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { backoffDelayMs } from '../../backoff.ts';
import { messageOf } from '../../errors.ts';
import type { HubReference } from '../catalog/model-spec.ts';
import { downloadFailed, refused } from './hub-errors.ts';
import type { HubSettings } from './settings.ts';

export interface HubClientOptions {
  /** Without a byte for this long a request is given up and made again. Default 30,000. */
  readonly stallMs?: number;
  /** Attempts in a row that bring nothing. Default 6. */
  readonly attempts?: number;
  /** Before the second attempt; doubled each time, with full jitter. Default 500. */
  readonly backoffMs?: number;
}

const CONNECT_MS = 15_000;
const BACKOFF_CAP_MS = 30_000;
/** A hub that asks for more patience than this is given up on. */
const LONGEST_WAIT_MS = 300_000;
const MOST_REDIRECTS = 10;

/** One attempt's failure that another may mend. */
export class PassingFault extends Error {
  /** As the hub asks; left out: by back-off. */
  readonly waitMs: number | undefined;

  constructor(message: string, options: { readonly waitMs?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
  }
}

/** Requests to the hub: follows its redirects, keeps the token to itself, and tries again what a wait may mend. */
export class HubClient {
  readonly #settings: HubSettings;
  readonly #options: Required<HubClientOptions>;
  readonly #dispatcher: Dispatcher;

  constructor(settings: HubSettings, options: HubClientOptions = {}) {
    this.#settings = settings;
    this.#options = { stallMs: 30_000, attempts: 6, backoffMs: 500, ...options };
    this.#dispatcher = new EnvHttpProxyAgent({ ...settings.proxies, connect: { timeout: CONNECT_MS } });
  }

  /**
   * One request that ends with 200 or 206, through redirects.
   *
   * @param path behind the endpoint, with its slash
   * @throws PassingFault, or the PipelineError of a refusal.
   */
  async open(
    reference: HubReference,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const endpoint = new URL(this.#settings.endpoint);
    let url = new URL(`${this.#settings.endpoint}${path}`);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const response = await this.#request(url, { ...headers, ...this.#authorisation(url, endpoint) }, signal);
      const { statusCode, headers: answered } = response;
      if (statusCode === 200 || statusCode === 206) return response;
      await response.body.dump();
      const location = one(answered['location']);
      if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
        url = new URL(location, url);
        continue;
      }
      this.#throwFor(reference, statusCode, answered);
    }
    throw new PassingFault(`more than ${String(MOST_REDIRECTS)} redirects`);
  }

  /** @throws PipelineError of a refusal, or MODEL_DOWNLOAD_FAILED after all attempts. */
  async json(reference: HubReference, path: string, signal?: AbortSignal): Promise<unknown> {
    return this.persist(`The list of files of ${reference.repository}`, signal, async () => {
      const { body } = await this.open(reference, path, { accept: 'application/json' }, signal);
      try {
        return await body.json();
      } catch (cause) {
        throw new PassingFault(`the answer is no JSON: ${messageOf(cause)}`, { cause });
      }
    });
  }

  /**
   * Tries until it succeeds; `attempt` calls `progressed` when something came, which gives it all its attempts again.
   *
   * @throws PipelineError MODEL_DOWNLOAD_FAILED after all attempts.
   */
  async persist<Result>(
    what: string,
    signal: AbortSignal | undefined,
    attempt: (progressed: () => void) => Promise<Result>,
  ): Promise<Result> {
    const { attempts, backoffMs } = this.#options;
    for (let failures = 0; ;) {
      signal?.throwIfAborted();
      try {
        return await attempt(() => {
          failures = 0;
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof PassingFault)) throw error;
        failures++;
        const { waitMs } = error;
        if (failures >= attempts || (waitMs ?? 0) > LONGEST_WAIT_MS) throw downloadFailed(what, error.message, error);
        const options = { baseMs: backoffMs, capMs: BACKOFF_CAP_MS };
        await sleep(waitMs ?? backoffDelayMs(failures, Math.random(), options), undefined, signal && { signal });
      }
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const { stallMs } = this.#options;
    try {
      return await request(url, {
        dispatcher: this.#dispatcher,
        headers: { 'user-agent': 'embedstream', ...headers },
        headersTimeout: stallMs,
        bodyTimeout: stallMs,
        ...(signal !== undefined && { signal }),
      });
    } catch (cause) {
      throw new PassingFault(`${url.host}: ${messageOf(cause)}`, { cause });
    }
  }

  /** The hub sends files from elsewhere, by signed addresses: whoever answers there must not see the token. */
  #authorisation(url: URL, endpoint: URL): Readonly<Record<string, string>> {
    const { token } = this.#settings;
    return token !== undefined && url.origin === endpoint.origin ? { authorization: `Bearer ${token}` } : {};
  }

  #throwFor(reference: HubReference, status: number, headers: Dispatcher.ResponseData['headers']): never {
    const { endpoint, token } = this.#settings;
    if (status === 429 || status === 408 || status >= 500) {
      throw new PassingFault(`${endpoint} answered ${String(status)}`, {
        waitMs: retryAfterMs(one(headers['retry-after'])),
      });
    }
    throw refused(reference, { status, code: one(headers['x-error-code']) }, endpoint, token !== undefined);
  }
}

export function one(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
