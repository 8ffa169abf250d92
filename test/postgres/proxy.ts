import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** What a client sends first when it would have TLS. Source: https://www.postgresql.org/docs/16/protocol-message-formats.html */
const SSL_REQUEST_BYTES = 8;
const SSL_REQUEST_CODE = 80_877_103;

export interface ProxyOptions {
  /** PEM. With it the proxy speaks TLS to those that ask for it, as a server with a certificate does. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Stands before a Postgres, which can be cut off, and speaks TLS, which the servers of tests can't. */
export class PostgresProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #tls: ProxyOptions['tls'];
  /** Bytes from the server that the next connections let through, each; then they are cut. */
  cutAfter: number[] = [];
  /** Commits whose answer is to get lost, with the connection. */
  cutAtCommit = 0;
  connections = 0;
  encrypted = 0;

  private constructor(target: string, { tls }: ProxyOptions) {
    this.#target = new URL(target);
    this.#tls = tls;
    this.#server = createServer((client) => {
      this.#accept(client);
    });
  }

  static async start(target: string, options: ProxyOptions = {}): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(target, options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The target's connection string by way of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    url.port = String(this.port);
    return url.href;
  }

  /** Cuts all connections off and refuses others until the answer is called. */
  async away(): Promise<() => Promise<void>> {
    const { port } = this;
    await this.close();
    return () => new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#watch(client);
    this.connections++;
    client.once('data', (first: Buffer) => {
      const asksForTls = first.length === SSL_REQUEST_BYTES && first.readUInt32BE(4) === SSL_REQUEST_CODE;
      if (!asksForTls) this.#forward(client, first);
      else if (this.#tls === undefined) {
        client.write('N');
        client.once('data', (next: Buffer) => {
          this.#forward(client, next);
        });
      } else {
        client.write('S');
        const secure = new TLSSocket(client, { isServer: true, secureContext: createSecureContext(this.#tls) });
        this.#watch(secure);
        this.encrypted++;
        this.#forward(secure);
      }
    });
  }

  #forward(client: Socket, first?: Buffer): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    this.#watch(server);
    if (first !== undefined) server.write(first);
    client.pipe(server);
    let left = this.cutAfter.shift() ?? Infinity;
    server.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      const isLost = this.cutAtCommit > 0 && chunk.includes('COMMIT\0');
      if (isLost) this.cutAtCommit--;
      if (left < 0 || isLost) {
        client.destroy();
        server.destroy();
      } else if (!client.write(chunk)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    // What was cut off, or ended by its client.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
