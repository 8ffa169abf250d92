import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { messageOf } from '../../errors.ts';
import type { ResponseHeaders } from './provider.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ResponseHeaders;
  readonly body: string;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Left out: a GET. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface HttpConnection {
  /**
   * Any status is an answer. Redirects are not followed: they would take the key along.
   *
   * @throws NetworkFault where there is none; the signal's reason when it aborts.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** No answer: the connection could not be made, broke, or took too long. */
export class NetworkFault extends Error {}

export interface Timeouts {
  readonly connectMs: number;
  /** Without a byte, from the request to the answer's first and then from one to the next. */
  readonly stallMs: number;
  readonly wholeMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, stallMs: 60_000, wholeMs: 180_000 };

/** More than any request's vectors. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Through the proxy of HTTPS_PROXY or HTTP_PROXY, except for hosts in NO_PROXY, each also in lower case. */
export function openConnection(
  environment: Readonly<Record<string, string | undefined>>,
  { connectMs, stallMs, wholeMs }: Timeouts = DEFAULT_TIMEOUTS,
): HttpConnection {
  const httpProxy = environment['http_proxy'] ?? environment['HTTP_PROXY'];
  const httpsProxy = environment['https_proxy'] ?? environment['HTTPS_PROXY'];
  const agent = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: environment['no_proxy'] ?? environment['NO_PROXY'] ?? '',
    connect: { timeout: connectMs },
    headersTimeout: stallMs,
    bodyTimeout: stallMs,
  });
  return {
    send: async ({ url, headers, body, signal }) => {
      const whole = AbortSignal.any([signal, AbortSignal.timeout(wholeMs)]);
      try {
        const answer = await request(url, {
          dispatcher: agent,
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            ...headers,
            accept: 'application/json',
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body }),
          signal: whole,
        });
        return { status: answer.statusCode, headers: flat(answer.headers), body: await textOf(answer.body) };
      } catch (cause) {
        signal.throwIfAborted();
        throw new NetworkFault(reasonOf(cause, whole.aborted, wholeMs), { cause });
      }
    },
    close: () => agent.destroy(),
  };
}

async function textOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function flat(headers: Dispatcher.ResponseData['headers']): ResponseHeaders {
  const flattened: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flattened[name] = Array.isArray(value) ? value.join(', ') : value;
  return flattened;
}

/** undici's errors have codes; a dual-stack host that refuses both has an AggregateError without a message. */
function reasonOf(cause: unknown, isTimedOut: boolean, wholeMs: number): string {
  if (isTimedOut) return `there was no whole answer within ${wholeMs / 1000} s`;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const message = messageOf(cause);
  return typeof code === 'string' && !message.includes(code) ? `${message || 'no connection'} (${code})` : message;
}
