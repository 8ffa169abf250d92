import type { Socket } from 'node:net';
import type { ProtocolRequest } from './protocol-request.ts';
import { newEncoder } from './wire/kafkajs-codec.ts';
import { LENGTH_BYTES } from './wire/answer-frames.ts';

interface Answer {
  readonly payload: Buffer;
}

/** As much of kafkajs' Connection as sending takes. */
export interface SendingConnection {
  readonly clientId: string;
  readonly socket: Socket | undefined;
  readonly requestQueue: {
    push(request: {
      readonly entry: object;
      readonly expectResponse: boolean;
      readonly requestTimeout: number | null;
      readonly sendRequest: () => void;
    }): void;
    maybeThrottle(milliseconds: number): void;
  };
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  /** Throws kafkajs' error. */
  failIfNotConnected(): void;
  nextCorrelationId(): number;
  logDebug(message: string, extra: object): void;
}

/** What kafkajs' `Connection.send` does, for a request in parts: they go to the socket as they are. */
export async function sendParts<Result>(
  connection: SendingConnection,
  { request, response, requestTimeout }: ProtocolRequest<Result>,
): Promise<Result> {
  if (!connection.isAuthenticated()) await connection.authenticate();
  connection.failIfNotConnected();
  const { apiKey, apiName, apiVersion, parts = () => [] } = request;
  const correlationId = connection.nextCorrelationId();
  const body = parts();
  const size = body.reduce((sum, { length }) => sum + length, 0);
  connection.logDebug(`Request ${apiName}(key: ${apiKey}, version: ${apiVersion})`, { correlationId, size });
  const { payload } = await new Promise<Answer>((resolve, reject) => {
    connection.requestQueue.push({
      entry: { apiKey, apiName, apiVersion, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: requestTimeout ?? null,
      sendRequest: () => {
        write(connection, [header(connection.clientId, request, correlationId, size), ...body]);
      },
    });
  });
  const decoded = await response.decode(payload);
  if (hasThrottleTime(decoded)) connection.requestQueue.maybeThrottle(decoded.clientSideThrottleTime);
  return response.parse(decoded);
}

function write({ socket }: SendingConnection, parts: readonly Buffer[]): void {
  socket?.cork();
  for (const part of parts) socket?.write(part);
  socket?.uncork();
}

/** The length of all that follows, and request header v1. https://kafka.apache.org/protocol */
function header(
  clientId: string,
  { apiKey, apiVersion }: ProtocolRequest<unknown>['request'],
  correlationId: number,
  bodyBytes: number,
): Buffer {
  const fields = newEncoder().writeInt16(apiKey).writeInt16(apiVersion).writeInt32(correlationId).writeString(clientId);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(fields.buffer.length + bodyBytes);
  return Buffer.concat([length, fields.buffer]);
}

function hasThrottleTime(decoded: unknown): decoded is { readonly clientSideThrottleTime: number } {
  return typeof decoded === 'object' && decoded !== null && 'clientSideThrottleTime' in decoded;
}
