import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createSocketFactory,
  LOGIN_EXPECTED,
  PLAIN_EXPECTED,
  TLS_EXPECTED,
} from '../../../src/log/kafka/socket-factory.ts';

const SASL_HANDSHAKE = 17;
let server: Server | undefined;
afterEach(async () => {
  const ending = server;
  if (ending !== undefined) await new Promise((resolve) => ending.close(resolve));
  server = undefined;
});

async function listen(onRequest: (socket: Socket, request: Buffer) => void): Promise<number> {
  const listening = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      onRequest(socket, request);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}

/** Like a Kafka listener that wants a login: tells its mechanisms, and hangs up on anything but the question. */
function kafkaListener(mechanisms: readonly string[]) {
  return (socket: Socket, request: Buffer): void => {
    if (request.length < 12 || request.readInt16BE(4) !== SASL_HANDSHAKE) {
      socket.end();
      return;
    }
    const names = mechanisms.map((name) => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name)]));
    const body = Buffer.concat([Buffer.from([0, 33, 0, 0, 0, mechanisms.length]), ...names]);
    const head = Buffer.alloc(8);
    head.writeInt32BE(body.length + 4);
    head.writeInt32BE(request.readInt32BE(8), 4);
    // In two pieces, as a network may have it.
    socket.write(head.subarray(0, 5));
    setImmediate(() => socket.write(Buffer.concat([head.subarray(5), body])));
  };
}

/** Connects as kafkajs does, sends `text`, and waits for the end; the code of the error, if there was one. */
function attempt(factory: ReturnType<typeof createSocketFactory>, port: number, tls: object | null): Promise<unknown> {
  return new Promise((resolve) => {
    let code: unknown;
    const socket = factory({ host: '127.0.0.1', port, ssl: tls as never, onConnect: () => undefined });
    socket.on('error', (error) => (code = 'code' in error ? error.code : error.message));
    socket.on('close', () => {
      resolve(code);
    });
    if (tls === null) socket.on('connect', () => socket.write('a request of Kafka'));
  });
}

async function codeAfterRetries(factory: ReturnType<typeof createSocketFactory>, port: number, tls: object | null) {
  for (;;) {
    const code = await attempt(factory, port, tls);
    if (typeof code === 'string' && code.startsWith('EMBEDSTREAM_')) return code;
  }
}

describe('createSocketFactory', () => {
  it('knows a TLS alert', async () => {
    const port = await listen((socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 80])));
    await expect(attempt(createSocketFactory(false), port, null)).resolves.toBe(TLS_EXPECTED);
  });

  it('finds a listener without TLS behind a failed handshake', async () => {
    const port = await listen(kafkaListener([]));
    const factory = createSocketFactory(true);
    await expect(codeAfterRetries(factory, port, {})).resolves.toBe(PLAIN_EXPECTED);
  });

  it('finds a listener that asks for a login behind a connection that was closed', async () => {
    const port = await listen(kafkaListener(['PLAIN', 'SCRAM-SHA-512']));
    const factory = createSocketFactory(false);
    await expect(codeAfterRetries(factory, port, null)).resolves.toBe(LOGIN_EXPECTED);
  });

  it('leaves alone what ended for another reason', async () => {
    let connections = 0;
    const port = await listen((socket, request) => {
      // A listener without logins that stops; the question about logins gets its answer, no mechanism.
      connections += 1;
      kafkaListener([])(socket, request);
    });
    const factory = createSocketFactory(false);
    await expect(attempt(factory, port, null)).resolves.toBeUndefined();
    await expect.poll(() => connections).toBe(2);
    await expect(attempt(factory, port, null)).resolves.toBeUndefined();
  });
});
