/** A server that speaks the protocols of embedding APIs, strictly, and misbehaves when it is told to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fakeVector, type FakeInput, type Protocol, type Understood } from './protocol.ts';
import { PROTOCOLS } from './protocols.ts';

export const KEY = 'a-key-that-is-right';

/** What a request gets in place of its answer. */
export type Fault =
  | number
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** No answer; an answer that ends in the middle; one that comes a byte at a time; one whose end never comes. */
  | 'cut'
  | 'half'
  | 'slow'
  | 'stall'
  | 'silence'
  | 'malformed'
  | 'one-less'
  | 'shuffled'
  | 'twice-the-same-index'
  | 'wrong-dimension'
  | 'null-in-vector'
  | 'all-the-same';

export interface Received {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly inputs: readonly FakeInput[];
  readonly atMs: number;
}

export interface FakeApi {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Environment of a program that is to find it in place of every provider. */
  readonly environment: Readonly<Record<string, string>>;
  /** Requests for vectors that were understood, in order, whatever became of them. */
  readonly requests: Received[];
  /** Texts whose vectors were sent, once for each time. */
  readonly served: string[];
  /** What the strict schemas refused: a bug of the client. */
  readonly violations: string[];
  /** Used up one by one, before the answers. */
  readonly faults: Fault[];
  /** Asked for each request: what it gets, if not its answer. */
  judge?: ((received: Received) => Fault | undefined) | undefined;
  /** A request with such a text is refused with 400. */
  poison?: RegExp | undefined;
  /** Before each answer. */
  delayMs: number;
  /** Of every answer. */
  headers: Readonly<Record<string, string>>;
  /** Most requests that were under way at a time. */
  mostAtATime: number;
  stop(): Promise<void>;
}

const VARIABLES = ['OPENAI', 'JINA', 'VOYAGE', 'COHERE', 'GEMINI', 'VERTEX', 'TEI', 'INFINITY', 'OLLAMA'];

export async function startFakeApi(): Promise<FakeApi> {
  let underWay = 0;
  const server = createServer((request, response) => {
    api.mostAtATime = Math.max(api.mostAtATime, ++underWay);
    response.on('close', () => underWay--);
    void handle(api, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api: FakeApi = {
    url,
    environment: {
      ...Object.fromEntries(
        VARIABLES.flatMap((name) => [
          [`${name}_BASE_URL`, `${url}/${name.toLowerCase()}`],
          [`${name}_API_KEY`, KEY],
        ]),
      ),
      OPENAI_COMPATIBLE_BASE_URL: `${url}/compatible/v1`,
      VERTEX_ACCESS_TOKEN: KEY,
      GOOGLE_CLOUD_PROJECT: 'acme',
    },
    requests: [],
    served: [],
    violations: [],
    faults: [],
    delayMs: 0,
    headers: {},
    mostAtATime: 0,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
  return api;
}

async function handle(api: FakeApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  const protocol = PROTOCOLS.find((each) => each.method === request.method && each.path.test(path));
  const text = await bodyOf(request);
  if (protocol === undefined) {
    api.violations.push(`${request.method ?? ''} ${path}`);
    answer(response, 404, { message: 'not found' });
    return;
  }
  if (protocol.key !== undefined && protocol.key(request.headers) !== KEY) {
    answer(
      response,
      401,
      protocol.error(401, `Incorrect API key provided: ${protocol.key(request.headers) ?? 'none'}`),
    );
    return;
  }
  const parsed = protocol.schema?.safeParse(JSON.parse(text));
  if (parsed?.success === false) {
    api.violations.push(`${path}: ${parsed.error.message}`);
    answer(response, 422, protocol.error(422, `bad request: ${parsed.error.message}`));
    return;
  }
  if (protocol.understand === undefined) {
    answer(response, 200, protocol.facts);
    return;
  }
  const understood = protocol.understand(parsed?.data as never, path);
  const received = { path, body: JSON.parse(text) as Received['body'], inputs: understood.inputs, atMs: Date.now() };
  api.requests.push(received);
  if (api.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, api.delayMs));
  respond(api, protocol, understood, response, api.faults.shift() ?? api.judge?.(received));
}

function respond(
  api: FakeApi,
  protocol: Protocol,
  { inputs, dimension, answer: shape }: Understood,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  if (typeof fault === 'number' || typeof fault === 'object') {
    const { status, headers = {}, body } = typeof fault === 'number' ? { status: fault } : fault;
    answer(response, status, body ?? protocol.error(status, `told to answer ${status}`), {
      ...api.headers,
      ...headers,
    });
    return;
  }
  if (fault === 'silence') return;
  if (fault === 'cut') {
    response.destroy();
    return;
  }
  if (inputs.some(({ text = '' }) => api.poison?.test(text))) {
    answer(response, 400, protocol.error(400, 'one of the inputs is not valid'), api.headers);
    return;
  }
  const tokens = inputs.reduce((sum, { text = '' }) => sum + 1 + Math.ceil(text.length / 4), 0);
  const vectors = inputs.map((input) => fakeVector(fault === 'all-the-same' ? {} : input, dimension));
  if (fault === 'one-less') vectors.pop();
  if (fault === 'wrong-dimension') for (const vector of vectors) vector.pop();
  let json = JSON.stringify(distorted(shape(vectors, tokens), fault));
  if (fault === 'null-in-vector')
    json = json.replace(/\[(-?\d+\.\d+)/, '[null').replace(/"embedding":"[^"]+"/, '"embedding":[null]');
  if (fault === 'malformed') json = json.slice(0, -5);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(json)),
    ...protocol.headers?.(tokens),
    ...api.headers,
  };
  response.writeHead(200, headers);
  if (fault === 'half' || fault === 'stall') {
    response.write(json.slice(0, json.length / 2));
    if (fault === 'half') setImmediate(() => response.destroy());
    return;
  }
  if (fault === 'slow') {
    void dribble(response, json);
    return;
  }
  response.end(json);
  if (fault === undefined || fault === 'shuffled') api.served.push(...inputs.map(({ text = '' }) => text));
}

function distorted(json: unknown, fault: Fault | undefined): unknown {
  const { data } = json as { data?: { index: number }[] };
  if (data === undefined) return json;
  if (fault === 'shuffled') data.reverse();
  if (fault === 'twice-the-same-index') for (const each of data) each.index = 0;
  return json;
}

/** A few bytes at a time, for as long as anybody waits. */
async function dribble(response: ServerResponse, json: string): Promise<void> {
  for (let at = 0; at < json.length && !response.destroyed; at += 4) {
    response.write(json.slice(at, at + 4));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  response.end();
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
