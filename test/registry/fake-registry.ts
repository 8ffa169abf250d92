import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import avro from 'avsc';
import { onTestFinished } from 'vitest';

/** What the next request gets in place of an answer. */
export type Mishap = number | 'cut' | 'half' | 'silence' | 'html' | 'plain-404' | 'object-404';

export interface FakeRegistry {
  readonly url: string;
  /** `METHOD path`, in order, of all requests. */
  readonly requests: string[];
  /** Used up one by one, before the answers. */
  readonly mishaps: Mishap[];
  /** The same mishap for every request. */
  always?: Mishap;
  readonly subjects: Map<string, string[]>;
  readonly levels: Map<string, string>;
  readonly schemas: Map<number, { schema: string; schemaType?: string }>;
  /** Adds a schema without a request. */
  add(subject: string, schema: string, schemaType?: string): number;
  stop(): Promise<void>;
}

export interface FakeRegistryOptions {
  readonly auth?: string;
  /** As Apicurio: a subject can have no compatibility before it has a schema. */
  readonly levelNeedsSubject?: boolean;
  /** One id for a schema in all subjects, as Confluent; otherwise each registration has its own. */
  readonly idsBySchema?: boolean;
  readonly port?: number;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** Speaks the Confluent API as strictly as its documentation has it; each id starts at 100. */
export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const { auth, levelNeedsSubject = false, idsBySchema = true } = options;
  let lastId = 99;
  const state: Omit<FakeRegistry, 'url'> = {
    requests: [],
    mishaps: [],
    subjects: new Map<string, string[]>(),
    levels: new Map<string, string>(),
    schemas: new Map<number, { schema: string; schemaType?: string }>(),
    add(subject, schema, schemaType) {
      const versions = state.subjects.get(subject) ?? [];
      const known = [...state.schemas].find(
        ([id, entry]) => entry.schema === schema && (idsBySchema || versions.includes(`${id}`)),
      );
      const id = known?.[0] ?? ++lastId;
      state.schemas.set(id, { schema, ...(schemaType !== undefined && { schemaType }) });
      if (!versions.includes(`${id}`)) state.subjects.set(subject, [...versions, `${id}`]);
      return id;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
  const server = createServer((request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    state.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
    const mishap = (state as FakeRegistry).always ?? state.mishaps.shift();
    if (mishap !== undefined) {
      misbehave(request, response, mishap);
      return;
    }
    const [status, answer] = answerTo(request, text);
    response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(JSON.stringify(answer));
  }

  function answerTo(request: IncomingMessage, text: string): [number, unknown] {
    if (auth !== undefined && request.headers.authorization !== `Basic ${Buffer.from(auth).toString('base64')}`)
      return [401, { error_code: 401, message: 'Unauthorized' }];
    if (request.headers['content-type'] !== CONTENT_TYPE) return [415, { error_code: 415, message: 'Unsupported' }];
    const url = new URL(request.url ?? '', 'http://registry');
    const path = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, string>);
    const route = `${request.method ?? ''} ${path[0] ?? ''}`;
    switch (route) {
      case 'GET subjects':
        return path.length === 1 ? [200, [...state.subjects.keys()]] : latest(path[1] ?? '');
      case 'POST subjects':
        return path[2] === 'versions' ? register(path[1] ?? '', body) : lookUp(path[1] ?? '', body);
      case 'GET schemas':
        return schemaOf(Number(path[2]));
      case 'GET config': {
        const level = state.levels.get(path[1] ?? '');
        return level === undefined ? absent(40408, 'no level for the subject') : [200, { compatibilityLevel: level }];
      }
      case 'PUT config':
        if (levelNeedsSubject && !state.subjects.has(path[1] ?? '')) return absent(40401, 'no such subject');
        state.levels.set(path[1] ?? '', body?.['compatibility'] ?? '');
        return [200, body];
      case 'POST compatibility':
        return check(path[2] ?? '', body, url.searchParams.get('verbose') === 'true');
      default:
        return absent(404, 'HTTP 404 Not Found');
    }
  }

  function latest(subject: string): [number, unknown] {
    const id = Number(state.subjects.get(subject)?.at(-1));
    if (Number.isNaN(id)) return absent(40401, `Subject '${subject}' not found.`);
    return [200, { subject, id, version: state.subjects.get(subject)?.length, ...state.schemas.get(id) }];
  }

  function lookUp(subject: string, body: Record<string, string> | undefined): [number, unknown] {
    const ids = state.subjects.get(subject);
    if (ids === undefined) return absent(40401, `Subject '${subject}' not found.`);
    const id = ids.find((each) => state.schemas.get(Number(each))?.schema === body?.['schema']);
    return id === undefined ? absent(40403, 'Schema not found') : [200, { subject, id: Number(id), version: 1 }];
  }

  function register(subject: string, body: Record<string, string> | undefined): [number, unknown] {
    const schema = body?.['schema'];
    if (schema === undefined) return [422, { error_code: 42201, message: 'Empty schema' }];
    if (incompatibility(subject, schema) !== undefined)
      return [409, { error_code: 409, message: 'Schema being registered is incompatible with an earlier schema' }];
    return [200, { id: state.add(subject, schema) }];
  }

  function schemaOf(id: number): [number, unknown] {
    const found = state.schemas.get(id);
    return found === undefined ? absent(40403, `Schema ${id} not found`) : [200, found];
  }

  function check(subject: string, body: Record<string, string> | undefined, verbose: boolean): [number, unknown] {
    if (!state.subjects.has(subject)) return absent(40402, 'Version not found.');
    const why = incompatibility(subject, body?.['schema'] ?? '');
    return [200, { is_compatible: why === undefined, ...(verbose && { messages: why === undefined ? [] : [why] }) }];
  }

  /** Whether the new schema reads the latest, under the level of the subject; NONE is the default, as Apicurio's. */
  function incompatibility(subject: string, schema: string): string | undefined {
    const writer = state.schemas.get(Number(state.subjects.get(subject)?.at(-1)))?.schema;
    if (writer === undefined || (state.levels.get(subject) ?? 'NONE') === 'NONE') return undefined;
    const parse = (json: string): avro.Type => avro.Type.forSchema(JSON.parse(json) as avro.Schema);
    try {
      parse(schema).createResolver(parse(writer));
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => (server.listening ? state.stop() : undefined));
  return Object.assign(state, { url: `http://127.0.0.1:${port}` });
}

function absent(code: number, message: string): [number, unknown] {
  return [404, { error_code: code, message }];
}

function misbehave(request: IncomingMessage, response: ServerResponse, mishap: Mishap): void {
  switch (mishap) {
    case 'cut':
      request.socket.destroy();
      return;
    case 'half':
      response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': 1000 }).write('{"schema":', () => {
        request.socket.destroy();
      });
      return;
    case 'silence':
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a proxy</html>');
      return;
    case 'plain-404':
      response.writeHead(404, { 'content-type': 'text/plain' }).end('default backend - 404');
      return;
    // As Elasticsearch does.
    case 'object-404':
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"type":"no_such_index"}}');
      return;
    default:
      response
        .writeHead(mishap, { 'content-type': CONTENT_TYPE })
        .end(JSON.stringify({ error_code: mishap, message: `answer ${mishap}` }));
  }
}
