import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';

/** What the proxy does with a request in place of passing it on as it is. */
export interface Fault {
  /** Answers itself, and the server sees nothing. */
  readonly answer?: { readonly status: number; readonly body?: unknown; readonly product?: string };
  /** Passes it on, and ends the connection before the answer. */
  readonly loseAnswer?: boolean;
  /** Ends the connection before it passes anything on. */
  readonly reset?: boolean;
  /** Passes it on, and changes the JSON of the answer. */
  readonly change?: (body: Record<string, unknown>) => unknown;
}

export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
}

/** Stands before a server and does to requests what a test asks: a server that fails is hard to come by. */
export class HttpProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  /** Decides for each request; undefined passes it on. */
  onRequest: (request: ProxiedRequest) => Fault | undefined | Promise<Fault | undefined> = () => undefined;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(target: string): Promise<HttpProxy> {
    const proxy = new HttpProxy(target);
    await proxy.#listen();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Nobody listens any more, and connections end; the answer brings it back at the same address. */
  async away(): Promise<() => Promise<void>> {
    await this.close();
    return () => this.#listen();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bytesOf(incoming);
    const { method = 'GET', url: path = '/' } = incoming;
    const fault = (await this.onRequest({ method, path, body: body.toString() })) ?? {};
    if (fault.reset === true) return void outgoing.destroy();
    if (fault.answer !== undefined) {
      const { status, body: answer, product = 'Elasticsearch' } = fault.answer;
      const type = answer === undefined ? {} : { 'content-type': 'application/json' };
      outgoing.writeHead(status, { 'x-elastic-product': product, ...type });
      outgoing.end(answer === undefined ? '' : JSON.stringify(answer));
      return;
    }
    const answer = await this.#pass(incoming, body);
    if (fault.loseAnswer === true) return void outgoing.destroy();
    const changed = fault.change?.(JSON.parse(answer.body.toString()) as Record<string, unknown>);
    const bytes = changed === undefined ? answer.body : Buffer.from(JSON.stringify(changed));
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined) outgoing.setHeader(name, value);
    outgoing.setHeader('content-length', bytes.length);
    outgoing.writeHead(answer.status).end(bytes);
  }

  #pass({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#target;
    return new Promise((resolve, reject) => {
      const passed = request({ hostname, port, method, path: url, headers, agent: false }, (response) => {
        // The whole of it is sent at once.
        const headers = { ...response.headers, 'transfer-encoding': undefined };
        bytesOf(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, headers, body: bytes });
        }, reject);
      });
      passed.on('error', reject).end(body);
    });
  }
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
