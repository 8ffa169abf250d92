import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { startObservationServer, type ObservationServer } from '../../src/telemetry/observation-server.ts';
import { Readiness } from '../../src/telemetry/readiness.ts';

const HOST = '127.0.0.1';
const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => Promise.resolve('up 1\n') };

async function start(more: Partial<Parameters<typeof startObservationServer>[0]> = {}): Promise<ObservationServer> {
  const server = await startObservationServer({ host: HOST, port: 0, metrics, readiness: new Readiness(), ...more });
  onTestFinished(() => server.close());
  return server;
}

describe('startObservationServer', () => {
  it('answers with the metrics, in the format they say', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/metrics?name=ignored`);
    expect([response.status, await response.text()]).toEqual([200, 'up 1\n']);
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
  });

  it('is live from the start, and ready once nothing is pending', async () => {
    const readiness = new Readiness();
    const opened = readiness.pending('the log is not open yet');
    const { url } = await start({ readiness });
    const ready = async (): Promise<unknown> => {
      const response = await fetch(`${url}/health/ready`);
      return [response.status, await response.json()];
    };
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect(await ready()).toEqual([503, { status: 'not ready', reasons: ['the log is not open yet'] }]);
    opened();
    expect(await ready()).toEqual([200, { status: 'ready' }]);
    readiness.stop('stopping');
    expect(await ready()).toEqual([503, { status: 'not ready', reasons: ['stopping'] }]);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('answers nothing else', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '5']);
  });

  it('says so when metrics fail, and goes on', async () => {
    const { url } = await start({ metrics: { ...metrics, text: () => Promise.reject(new Error('no such gauge')) } });
    const failed = await fetch(`${url}/metrics`);
    expect([failed.status, await failed.json()]).toEqual([500, { error: 'no such gauge' }]);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('refuses a port in use and names it', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    await expect(start({ port })).rejects.toThrow(UsageError);
    await expect(start({ port })).rejects.toThrow(new RegExp(`--metrics-port=${port} on 127.0.0.1: .*in use`));
  });

  it('refuses a host that is not this machine and names it', async () => {
    // TEST-NET-1: nobody has it.
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow(/--metrics-host=192\.0\.2\.1 is no address/);
  });

  it('closes at once, though somebody is in the middle of a request', async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.url).port), HOST);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /metrics HTTP/1.1\r\nhost: half');
    // A whole one, later: the half one has come in before it.
    await (await fetch(`${server.url}/health/live`)).text();
    await server.close();
    socket.destroy();
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow();
  });
});
