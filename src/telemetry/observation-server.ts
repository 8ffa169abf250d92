import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fatalError, messageOf, UsageError } from '../errors.ts';
import type { PipelineMetrics } from './metrics/pipeline-metrics.ts';
import type { Readiness } from './readiness.ts';

export interface ObservationServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Pick<PipelineMetrics, 'contentType' | 'text'>;
  readonly readiness: Pick<Readiness, 'reasons'>;
}

export interface ObservationServer {
  /** `http://host:port`, with the port that was taken. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * `GET /metrics`, `/health/live` and `/health/ready`. It never keeps the process alive.
 *
 * @throws UsageError when the port is taken or may not be, or the host is no address of this machine.
 */
export async function startObservationServer(options: ObservationServerOptions): Promise<ObservationServer> {
  const { host, port } = options;
  const server = createServer((request, response) => {
    void answer(request, options).then((each) => {
      send(request, response, each);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError(error, host, port));
    });
    server.listen(port, host, resolve);
  });
  server.unref();
  server.on('connection', (socket) => socket.unref());
  // Never a string: it does not listen on a pipe.
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { method, url }: IncomingMessage,
  { metrics, readiness }: ObservationServerOptions,
): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET and HEAD are answered' });
  const path = url?.split('?')[0];
  if (path === '/metrics') return metricsAnswer(metrics);
  // That this is answered at all is what is asked for.
  if (path === '/health/live') return json(200, { status: 'live' });
  if (path !== '/health/ready') return json(404, { error: 'there are /metrics, /health/live and /health/ready' });
  const { reasons } = readiness;
  return reasons.length === 0 ? json(200, { status: 'ready' }) : json(503, { status: 'not ready', reasons });
}

async function metricsAnswer(metrics: ObservationServerOptions['metrics']): Promise<Answer> {
  try {
    return { status: 200, type: metrics.contentType, body: await metrics.text() };
  } catch (error) {
    return json(500, { error: messageOf(error) });
  }
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'content-type': type, 'content-length': length, 'cache-control': 'no-store' });
  response.end(method === 'HEAD' ? undefined : body);
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `--metrics-port=${port} on ${host}`;
  if (error.code === 'EADDRINUSE')
    return new UsageError(`${where}: the port is in use. Choose another one, or 0 for any that is free.`, {
      cause: error,
    });
  if (error.code === 'EACCES')
    return new UsageError(`${where}: this user may not take the port. Choose one above 1023.`, { cause: error });
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new UsageError(
      `--metrics-host=${host} is no address of this machine. 127.0.0.1 is this machine only, 0.0.0.0 all networks.`,
      { cause: error },
    );
  return fatalError('METRICS_SERVER', `${where} can't be served: ${error.message}`, error);
}
