import { createServer } from 'node:net';

/**
 * Below 32768, where Linux begins to choose ports for outgoing connections (macOS and Windows: 49152). A server's port
 * from there could be taken while the server is down for a moment, even by a client that tries to reach it: TCP lets
 * a socket connect to itself.
 */
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;
const ATTEMPTS = 100;

/** `count` different ports of 127.0.0.1 that nobody listens on now. `wanted` are taken in their order where free. */
export async function freePorts(count: number, wanted: readonly number[] = []): Promise<number[]> {
  const ports: number[] = [];
  for (const port of wanted) if (ports.length < count && (await isFree(port))) ports.push(port);
  for (let attempt = 0; ports.length < count; attempt++) {
    if (attempt === ATTEMPTS) throw new Error(`No free port of 127.0.0.1 in ${ATTEMPTS} tries from ${FIRST_PORT} on`);
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
