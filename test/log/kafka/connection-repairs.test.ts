import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endConnection, repairConnection, type Connection } from '../../../src/log/kafka/connection-repairs.ts';
import type { Encoder as WireEncoder } from '../../../src/log/kafka/protocol-request.ts';
import { failureOf } from '../../contracts/log/tasks.ts';

const REQUEST_TIMEOUT_MS = 300;
const CORRELATION_AT = 8;

type ConnectionClass = (new (options: object) => Connection) & Parameters<typeof repairConnection>[0];

const load = createRequire(import.meta.url);
const Encoder = load('kafkajs/src/protocol/encoder') as new () => WireEncoder;
const createRequest = load('kafkajs/src/protocol/request') as (options: object) => Promise<{ readonly buffer: Buffer }>;
const errorOf = (message: string): Error => new Error(message);

/** The class as kafkajs ships it: each call loads it afresh. */
function shipped(): ConnectionClass {
  const path = load.resolve('kafkajs/src/network/connection');
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- how a CommonJS module is loaded afresh
  delete load.cache[path];
  return load(path) as ConnectionClass;
}

function repaired(): ConnectionClass {
  const connectionClass = shipped();
  repairConnection(connectionClass, errorOf);
  return connectionClass;
}

/** What a server does with a request: `half` an answer and then no more, a whole one, or nothing. */
type Behaviour = 'half' | 'answer' | 'silence';

describe('the repair of kafkajs’ connections', () => {
  let server: Server;
  let behaviour: Behaviour;
  const sockets: Socket[] = [];
  const connections: Connection[] = [];

  beforeEach(async () => {
    behaviour = 'answer';
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (request) => {
        if (behaviour === 'silence') return;
        const answer = Buffer.alloc(16);
        answer.writeInt32BE(12);
        request.copy(answer, 4, CORRELATION_AT, CORRELATION_AT + 4);
        if (behaviour === 'answer') socket.write(answer);
        else socket.end(answer.subarray(0, 10));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => endConnection(connection, errorOf)));
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  function connectionOf(connectionClass: ConnectionClass): Connection {
    const log = { debug: () => undefined, error: () => undefined, warn: () => undefined };
    const { port } = server.address() as AddressInfo;
    const connection = new connectionClass({
      host: '127.0.0.1',
      port,
      clientId: 'test',
      logger: { namespace: () => log },
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: 5_000,
      enforceRequestTimeout: true,
      socketFactory: ({ onConnect, ...target }: { host: string; port: number; onConnect: () => void }) =>
        connect(target, onConnect),
    });
    connections.push(connection);
    return connection;
  }

  async function ask(connection: Connection): Promise<unknown> {
    await connection.connect();
    return connection.send({
      request: { apiKey: 18, apiVersion: 0, apiName: 'Test', encode: () => Promise.resolve(new Encoder()) },
      response: {
        decode: (payload: Buffer) => Promise.resolve(payload),
        parse: (payload: Buffer) => Promise.resolve(payload.length),
      },
    });
  }

  it('writes a request in parts as kafkajs writes one that is not', async () => {
    const parts = [Buffer.from('head'), Buffer.alloc(300_000, 7), Buffer.alloc(0), Buffer.from('tail')];
    const request = { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode: () => Promise.reject(new Error('unused')) };
    const received: Buffer[] = [];
    behaviour = 'silence';
    const connection = connectionOf(repaired());
    await connection.connect();
    await vi.waitUntil(() => sockets.length === 1);
    const isWhole = new Promise<void>((resolve) => {
      sockets[0]?.on('data', (piece) => {
        received.push(piece);
        if (Buffer.concat(received).length >= expected.length) resolve();
      });
    });
    const body = { buffer: Buffer.concat(parts), buf: Buffer.alloc(0) };
    const whole = { ...request, encode: () => Promise.resolve(body) };
    const expected = (await createRequest({ correlationId: 0, clientId: 'test', request: whole })).buffer;
    const response = {
      decode: (payload: Buffer) => Promise.resolve({ payload, clientSideThrottleTime: 0 }),
      parse: (decoded: unknown) => Promise.resolve(decoded),
    };
    const answer = connection.send({ request: { ...request, parts: () => parts }, response });
    await isWhole;
    expect(Buffer.concat(received).equals(expected)).toBe(true);
    sockets[0]?.write(Buffer.from([0, 0, 0, 6, 0, 0, 0, 0, 1, 2]));
    expect(await answer).toMatchObject({ payload: Buffer.from([1, 2]) });
    await expect(connection.send({ request: { ...request, parts: () => parts }, response })).rejects.toMatchObject({
      name: 'KafkaJSRequestTimeoutError',
    });
  });

  async function afterHalfAnAnswer(connectionClass: ConnectionClass): Promise<unknown> {
    const connection = connectionOf(connectionClass);
    behaviour = 'half';
    await failureOf(ask(connection));
    await vi.waitUntil(() => !connection.isConnected(), 20_000);
    behaviour = 'answer';
    return ask(connection).catch((error: unknown) => (error instanceof Error ? error.name : error));
  }

  it('begins anew after half an answer, which as shipped swallows the answers that follow', async () => {
    expect(await afterHalfAnAnswer(repaired())).toBe(8);
    // What the repair is for.
    expect(await afterHalfAnAnswer(shipped())).toBe('KafkaJSRequestTimeoutError');
  });

  async function socketsOfFive(connectionClass: ConnectionClass): Promise<number> {
    const connection = connectionOf(connectionClass);
    const before = sockets.length;
    await Promise.all(Array.from({ length: 5 }, () => connection.connect()));
    await ask(connection);
    return sockets.length - before;
  }

  it('makes one socket for all who want to connect, where as shipped each makes one', async () => {
    expect(await socketsOfFive(repaired())).toBe(1);
    expect(await socketsOfFive(shipped())).toBe(5);
  });

  async function isLostAfterTimeout(connectionClass: ConnectionClass): Promise<boolean> {
    const connection = connectionOf(connectionClass);
    behaviour = 'silence';
    const failure = await failureOf(ask(connection));
    expect(failure.name).toBe('KafkaJSRequestTimeoutError');
    // Its handlers are asynchronous.
    await new Promise(setImmediate);
    return !connection.isConnected();
  }

  it('uses no socket any more on which an answer did not come in time', async () => {
    expect(await isLostAfterTimeout(repaired())).toBe(true);
    expect(await isLostAfterTimeout(shipped())).toBe(false);
  });

  /** The server answers that it knows no mechanism. */
  async function isOpenAfterFailedLogin(connectionClass: ConnectionClass): Promise<boolean> {
    const connection = connectionOf(connectionClass);
    Object.assign(connection, {
      sasl: { mechanism: 'scram-sha-256' },
      versions: { 17: { minVersion: 0, maxVersion: 1 } },
    });
    await connection.connect();
    expect((await failureOf(connection.authenticate())).message).toContain('not supported');
    await new Promise(setImmediate);
    return connection.isConnected();
  }

  it('uses no socket any more on which a login broke off', async () => {
    expect(await isOpenAfterFailedLogin(repaired())).toBe(false);
    expect(await isOpenAfterFailedLogin(shipped())).toBe(true);
  });

  it('ends at once, whatever is under way, and connects no more', async () => {
    const connection = connectionOf(repaired());
    behaviour = 'silence';
    const asking = failureOf(ask(connection));
    await vi.waitUntil(() => connection.requestQueue.inflight.size === 1, 20_000);
    await endConnection(connection, errorOf);
    expect((await asking).message).toContain('The client is closed.');
    await vi.waitUntil(() => sockets.every(({ destroyed }) => destroyed), 20_000);
    expect(await failureOf(connection.connect())).toMatchObject({ message: 'The client is closed.' });
  });

  it('ends what is still connecting', async () => {
    const connection = connectionOf(repaired());
    const connecting = failureOf(connection.connect());
    await Promise.resolve();
    await endConnection(connection, errorOf);
    expect((await connecting).message).toContain('The client is closed.');
    expect(connection.socket?.destroyed).toBe(true);
  });
});
