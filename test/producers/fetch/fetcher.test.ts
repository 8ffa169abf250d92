import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Fetcher, type FetcherOptions } from '../../../src/producers/fetch/fetcher.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const seen: { readonly url: string; readonly authorization: string | undefined; readonly atMs: number }[] = [];
let handle: Handler = () => undefined;
const server = createServer((request, response) => {
  const { url = '', headers } = request;
  seen.push({ url, authorization: headers.authorization, atMs: performance.now() });
  handle(request, response);
});
let port = 0;
let base = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  base = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const QUICK = { baseMs: 1, capMs: 5 };

function fetcherOf(options: FetcherOptions = {}): Fetcher {
  const fetcher = new Fetcher({ allowPrivateHosts: true, backoff: QUICK, ...options });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function get(path: string, options: FetcherOptions = {}): Promise<string> {
  return fetcherOf(options).fetch(path.startsWith('http') ? path : base + path, text);
}

describe('a good answer', () => {
  it.each([
    ['identity', (words: string) => Buffer.from(words)],
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('is handed over whole, in the encoding %s', async (encoding, pack) => {
    handle = (_, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(pack('words '.repeat(5000)));
    expect(await get('/a')).toBe('words '.repeat(5000));
  });

  it('that is not in the encoding it names is the fault of the address', async () => {
    handle = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('words');
    await expect(get('/a')).rejects.toMatchObject({ code: 'URL_WRONG_CONTENT', poison: true });
    handle = (_, response) => response.writeHead(200, { 'content-encoding': 'zip' }).end('words');
    await expect(get('/a')).rejects.toMatchObject({ code: 'URL_WRONG_CONTENT', poison: true });
  });
});

describe('sizes', () => {
  const limits = { maxBytes: 1000 };

  it('one that is announced too large is not read', async () => {
    handle = (_, response) => response.writeHead(200, { 'content-length': '1001' }).write('x');
    await expect(get('/a', { limits })).rejects.toMatchObject({ code: 'URL_TOO_LARGE', poison: true });
  });

  it('one that never ends is cut', async () => {
    handle = (_, response) => {
      const more = (): void => {
        if (!response.destroyed && response.write('x'.repeat(100))) setImmediate(more);
      };
      more();
    };
    await expect(get('/a', { limits })).rejects.toMatchObject({ code: 'URL_TOO_LARGE' });
  });

  it('one that unpacks to too much is cut', async () => {
    handle = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1e6)));
    await expect(get('/a', { limits })).rejects.toMatchObject({ code: 'URL_TOO_LARGE' });
  });
});

describe('what is the fault of the address', () => {
  it.each([404, 410, 403, 415, 204])('%i is told at once', async (status) => {
    handle = (_, response) => response.writeHead(status).end();
    await expect(get('/none?token=geheim')).rejects.toMatchObject({
      code: 'URL_REFUSED',
      poison: true,
      message: `${base}/none answers ${status}. Check the address and its rights`,
    });
    expect(seen).toHaveLength(1);
  });
});

describe('what is the fault of the world', () => {
  it.each([
    ['answers 500', (_: unknown, response: ServerResponse) => response.writeHead(500).end()],
    [
      'breaks off',
      (_: unknown, response: ServerResponse) =>
        response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
    ],
    ['hangs up', (_: unknown, response: ServerResponse) => response.destroy()],
  ] as const)('a server that %s is asked again, and then the run ends', async (_, answer) => {
    handle = answer;
    await expect(get('/a', { limits: { attempts: 3 } })).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      poison: false,
      retriable: true,
      message: expect.stringContaining('could not be fetched in 3 attempts') as string,
    });
    expect(seen).toHaveLength(3);
  });

  it('what it mends itself is not even noticed', async () => {
    handle = (_, response) => response.writeHead(seen.length < 3 ? 503 : 200).end('mended');
    expect(await get('/a')).toBe('mended');
  });

  it.each([
    ['no answer', { answerMs: 100 }, () => undefined],
    [
      'a body that stalls',
      { stallMs: 100 },
      (_: unknown, response: ServerResponse) => response.writeHead(200).write('x'),
    ],
    [
      'a body that trickles on and on',
      { totalMs: 300 },
      (_: unknown, response: ServerResponse) => {
        const timer = setInterval(() => response.write('x'), 20);
        response.on('close', () => {
          clearInterval(timer);
        });
      },
    ],
  ] as const)('%s ends in time', async (_, limits, answer) => {
    handle = answer;
    await expect(get('/a', { limits: { attempts: 1, ...limits } })).rejects.toMatchObject({ code: 'FETCH_FAILED' });
  });

  it('nobody listens', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(get(`http://127.0.0.1:${free}/a`, { limits: { attempts: 2 } })).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });

  it('a name that nobody knows is the fault of the address where others are known, and of the world where none is', async () => {
    handle = (_, response) => response.end('words');
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    const fetcher = fetcherOf({
      limits: { attempts: 2 },
      resolve: (hostname, callback) => {
        if (hostname === 'known.test') callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(unknown); // As Node's own does: without addresses.
      },
    });
    await expect(fetcher.fetch('http://unknown.test/a', text)).rejects.toMatchObject({ code: 'FETCH_FAILED' });
    await fetcher.fetch(`http://known.test:${port}/a`, text);
    await expect(fetcher.fetch('http://unknown.test/a', text)).rejects.toMatchObject({ code: 'URL_HOST_UNKNOWN' });
  });

  it('a stop ends the waiting', async () => {
    handle = (_, response) => response.writeHead(503, { 'retry-after': '60' }).end();
    const stop = new AbortController();
    const fetching = fetcherOf().fetch(`${base}/a`, text, stop.signal);
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error('stopped'));
    await expect(fetching).rejects.toThrow();
  });
});

describe('politeness', () => {
  it('no more requests to a host at a time than said', async () => {
    let active = 0;
    let most = 0;
    handle = (_, response) => {
      most = Math.max(most, ++active);
      setImmediate(() => {
        active--;
        response.end('x');
      });
    };
    const fetcher = fetcherOf({ requestsPerHost: 3 });
    await Promise.all(Array.from({ length: 30 }, (_, i) => fetcher.fetch(`${base}/${i}`, text)));
    expect(seen).toHaveLength(30);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('a host that asks for a pause gets it, from all requests', async () => {
    handle = (_, response) => {
      if (seen.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end('x');
    };
    const fetcher = fetcherOf({ requestsPerHost: 1 });
    await Promise.all(['/a', '/b', '/c'].map((path) => fetcher.fetch(base + path, text)));
    const [first, ...others] = seen;
    expect(others).toHaveLength(3);
    for (const { atMs } of others) expect(atMs - first!.atMs).toBeGreaterThan(950);
  });

  it('a pause that is longer than anyone wants to wait ends the run', async () => {
    handle = (_, response) => response.writeHead(429, { 'retry-after': '86400' }).end();
    await expect(get('/a')).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('left alone for 86400 s') as string,
    });
    expect(seen).toHaveLength(1);
  });
});

describe('redirects', () => {
  it('are followed, and secrets stay with their host', async () => {
    const other = createServer((request, response) => {
      response.end(`other ${request.headers.authorization ?? 'nothing'}`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      other.close();
    });
    const { port: otherPort } = other.address() as AddressInfo;
    handle = ({ url }, response) => {
      const to = url === '/a' ? '/b' : `http://127.0.0.1:${otherPort}/c`;
      response.writeHead(302, { location: to }).end();
    };
    expect(await get(base.replace('//', '//user:geheim@') + '/a')).toBe('other nothing');
    const basic = `Basic ${Buffer.from('user:geheim').toString('base64')}`;
    expect(seen.map(({ authorization }) => authorization)).toEqual([basic, basic]);
  });

  it('end', async () => {
    handle = (_, response) => response.writeHead(301, { location: '/again' }).end();
    await expect(get('/a')).rejects.toMatchObject({ code: 'URL_REDIRECTS', poison: true });
    expect(seen).toHaveLength(6);
  });

  it.each(['file:///etc/passwd', 'gopher://127.0.0.1/'])('to %s are not followed', async (location) => {
    handle = (_, response) => response.writeHead(302, { location }).end();
    await expect(get('/a')).rejects.toMatchObject({ code: 'URL_INVALID', poison: true });
  });
});

describe('hosts that are not on the internet', () => {
  const refused = { code: 'URL_PRIVATE_ADDRESS', poison: true };
  beforeEach(() => {
    handle = (_, response) => response.end('secret');
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f000001', '127.1'])(
    '%s is refused before anything is sent',
    async (host) => {
      await expect(get(`http://${host}:${port}/a`, { allowPrivateHosts: false })).rejects.toMatchObject(refused);
      expect(seen).toEqual([]);
    },
  );

  it('a name that leads to one is refused, also when only its second answer does', async () => {
    let asked = 0;
    const rebinding = fetcherOf({
      allowPrivateHosts: false,
      resolve: (_, callback) => {
        callback(null, [{ address: ++asked === 1 ? '10.0.0.1' : '127.0.0.1', family: 4 }]);
      },
    });
    await expect(rebinding.fetch(`http://rebinding.test:${port}/a`, text)).rejects.toMatchObject(refused);
    await expect(rebinding.fetch(`http://rebinding.test:${port}/a`, text)).rejects.toMatchObject(refused);
    expect(asked).toBe(2);
    expect(seen).toEqual([]);
  });
});
