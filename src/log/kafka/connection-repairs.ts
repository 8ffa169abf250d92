import type { Socket } from 'node:net';
import type { ProtocolRequest } from './protocol-request.ts';
import { onceAtATime } from './once-at-a-time.ts';
import { sendParts, type SendingConnection } from './send-parts.ts';
import { LENGTH_BYTES } from './wire/answer-frames.ts';

/** As much of kafkajs' Connection as its repair needs. */
export interface Connection extends SendingConnection {
  readonly host: string;
  readonly port: number;
  readonly socket: Socket | undefined;
  /** What has come of an answer that is not all there. */
  chunks: readonly Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  readonly requestQueue: SendingConnection['requestQueue'] & {
    readonly pending: readonly unknown[];
    readonly inflight: { readonly size: number };
  };
  isConnected(): boolean;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  send(request: ProtocolRequest<unknown>): Promise<unknown>;
  processData(data: Buffer): void;
  rejectRequests(error: Error): void;
}

interface ConnectionClass {
  readonly prototype: Connection;
}

type ErrorOf = (message: string, broker: string) => Error;

const ended = new WeakSet<Connection>();

/**
 * kafkajs 2.2.4 uses one Connection for one socket after the other, and mixes them up when a broker goes and comes back:
 *
 * - what had come of an answer when a socket was lost is taken for the beginning of the next socket's first answer: no
 *   request gets its answer any more;
 * - requests that find no connection at the same time make a socket each, of which all but one are forgotten, open;
 * - the end of a forgotten or lost socket ends its successor, whose requests may then wait for ever;
 * - a socket on which a request timed out is used for all others, which time out one after the other;
 * - the answer that came last stays in memory until the next one comes;
 * - a request is copied three times, each time into up to twice the memory that it takes;
 * - a login that breaks off (no token to be had) leaves its socket open: the next try goes on on it, which the broker
 *   takes for a fault, and a process that gives up never ends.
 *
 * Here a connection has one socket at a time, which begins with nothing of the one before.
 */
export function repairConnection(connectionClass: ConnectionClass, errorOf: ErrorOf): void {
  repairConnecting(connectionClass, errorOf);
  repairSending(connectionClass);
  repairLogin(connectionClass);
  repairMemory(connectionClass);
}

function repairConnecting({ prototype }: ConnectionClass, errorOf: ErrorOf): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on what it was taken from
  const { connect } = prototype;
  const attempts = new WeakMap<Connection, () => Promise<unknown>>();
  const attemptOf = (connection: Connection): (() => Promise<unknown>) => {
    const attempt = onceAtATime(async () => {
      if (connection.isConnected()) return;
      const lost = errorOf('The connection was lost.', addressOf(connection));
      if (ended.has(connection)) throw errorOf('The client is closed.', addressOf(connection));
      discard(connection.socket);
      connection.rejectRequests(lost);
      Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: LENGTH_BYTES });
      try {
        await connect.call(connection);
      } catch (error) {
        discard(connection.socket);
        throw error;
      }
    });
    attempts.set(connection, attempt);
    return attempt;
  };
  prototype.connect = async function (this: Connection): Promise<unknown> {
    await (attempts.get(this) ?? attemptOf(this))();
    return true;
  };
}

function repairSending({ prototype }: ConnectionClass): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on what it was taken from
  const { send } = prototype;
  prototype.send = async function (this: Connection, request: ProtocolRequest<unknown>): Promise<unknown> {
    const { socket } = this;
    try {
      return await (request.request.parts === undefined ? send.call(this, request) : sendParts(this, request));
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') socket?.destroy(error);
      throw error;
    }
  };
}

function repairLogin({ prototype }: ConnectionClass): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on what it was taken from
  const { authenticate } = prototype;
  prototype.authenticate = async function (this: Connection): Promise<void> {
    const { socket } = this;
    try {
      await authenticate.call(this);
    } catch (error) {
      socket?.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  };
}

function repairMemory({ prototype }: ConnectionClass): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on what it was taken from
  const { processData } = prototype;
  prototype.processData = function (this: Connection, data: Buffer): void {
    processData.call(this, data);
    // What is left is an empty view of all that came.
    if (this.bytesBuffered === 0) this.chunks = [];
  };
}

/** Ends a connection for good, without waiting for answers: what is under way rejects. */
export async function endConnection(connection: Connection, errorOf: ErrorOf): Promise<void> {
  ended.add(connection);
  const { pending, inflight } = connection.requestQueue;
  if (pending.length === 0 && inflight.size === 0 && connection.isConnected()) await connection.disconnect();
  // kafkajs hears of it as of any other loss: what is connecting, or waits for an answer, rejects.
  connection.socket?.destroy(errorOf('The client is closed.', addressOf(connection)));
}

/** Nothing more is heard of a socket that is lost. */
function discard(socket: Socket | undefined): void {
  if (socket === undefined) return;
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event);
  socket.on('error', () => undefined);
  socket.destroy();
}

function addressOf({ host, port }: Connection): string {
  return `${host}:${port}`;
}
