/** A server that speaks the Hugging Face hub's protocol of files, and misbehaves as it is told. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export const COMMIT = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/** What happens to the next requests for files that match, one after the other. */
export interface Mishap {
  readonly path: string;
  readonly kind: 'truncate' | 'stall' | 'too-many' | 'unavailable' | 'wrong-bytes' | 'longer' | 'no-range';
  /** Of `truncate` and `stall`: bytes that are sent first. */
  readonly after?: number;
}

export interface Seen {
  readonly host: 'hub' | 'storage';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export interface FakeHub extends AsyncDisposable {
  readonly endpoint: string;
  readonly seen: Seen[];
  readonly mishaps: Mishap[];
  /** Answers every request about the repository with this, when set. */
  refusal?: { readonly status: number; readonly code?: string } | undefined;
  /** Where `main` is. */
  commit: string;
  /** Requests for the bytes of files, by path. */
  fetches(path: string): number;
}

/**
 * Serves a folder as `owner/name`. Files of more than `largeBytes` are large: they come from another host, by redirect,
 * as the hub does it.
 */
export async function startFakeHub(
  folder: string,
  { repository = 'owner/name', largeBytes = 10_000 } = {},
): Promise<FakeHub> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(folder.length + 1).replaceAll('\\', '/'), await readFile(path));
    }
  const seen: Seen[] = [];
  const mishaps: Mishap[] = [];
  const note = (host: Seen['host'], { url = '', headers }: IncomingMessage): void => {
    seen.push({ host, path: url, authorization: headers.authorization, range: headers.range });
  };

  const storage = await listen((request, response) => {
    note('storage', request);
    const path = decodeURIComponent((request.url ?? '').slice(1));
    sendFile(files.get(path), takeMishap(mishaps, path), request, response);
  });
  const server = await listen((request, response) => {
    note('hub', request);
    const { refusal } = hub;
    const url = new URL(request.url ?? '', hub.endpoint);
    if (refusal !== undefined) {
      response.writeHead(refusal.status, refusal.code === undefined ? {} : { 'x-error-code': refusal.code }).end();
    } else if (url.pathname.startsWith(`/api/models/${repository}/revision/`)) {
      sendListing(url.pathname.split('/').at(-1) ?? '');
    } else if (url.pathname.startsWith(`/${repository}/resolve/`)) {
      const path = decodeURIComponent(url.pathname.split('/').slice(5).join('/'));
      const bytes = files.get(path);
      if (bytes !== undefined && bytes.length > largeBytes) {
        response.writeHead(302, { location: `${storage.origin}/${encodeURIComponent(path)}` }).end();
      } else {
        sendFile(bytes, takeMishap(mishaps, path), request, response);
      }
    } else {
      response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
    }

    function sendListing(revision: string): void {
      const mishap = takeMishap(mishaps, 'api');
      if (mishap !== undefined) {
        sendFile(Buffer.from('{'), mishap, request, response);
      } else if (!['main', hub.commit].includes(revision)) {
        response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end();
      } else {
        const siblings = Array.from(files, ([path, bytes]) => ({
          rfilename: path,
          size: bytes.length,
          blobId: gitHash(bytes),
          ...(bytes.length > largeBytes && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 130 } }),
        }));
        siblings.push({ rfilename: '../../outside.json', size: 2, blobId: gitHash(Buffer.from('{}')) });
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ id: repository, sha: hub.commit, siblings }));
      }
    }
  });

  const hub: FakeHub = {
    endpoint: server.origin,
    seen,
    mishaps,
    commit: COMMIT,
    fetches: (path) =>
      seen.filter((each) => each.path.endsWith(each.host === 'storage' ? encodeURIComponent(path) : `/${path}`)).length,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([server.stop(), storage.stop()]);
    },
  };
  return hub;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function gitHash(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function takeMishap(mishaps: Mishap[], path: string): Mishap | undefined {
  const index = mishaps.findIndex((mishap) => mishap.path === path);
  return index < 0 ? undefined : mishaps.splice(index, 1)[0];
}

function sendFile(
  bytes: Buffer | undefined,
  mishap: Mishap | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (bytes === undefined) {
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    return;
  }
  if (mishap?.kind === 'too-many') {
    response.writeHead(429, { 'retry-after': '1' }).end();
    return;
  }
  if (mishap?.kind === 'unavailable') {
    response.writeHead(503).end();
    return;
  }
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const start = asked === undefined || mishap?.kind === 'no-range' ? 0 : Number(asked);
  const rest = bytes.subarray(start);
  const partly = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  const status = start > 0 ? 206 : 200;
  if (mishap?.kind === 'wrong-bytes') {
    response.writeHead(status, { 'content-length': rest.length, ...partly }).end(Buffer.alloc(rest.length, 7));
  } else if (mishap?.kind === 'longer') {
    response.writeHead(status, { ...partly }).end(Buffer.concat([rest, Buffer.alloc(100)]));
  } else if (mishap?.kind === 'truncate' || mishap?.kind === 'stall') {
    response.writeHead(status, { 'content-length': rest.length, ...partly });
    response.write(rest.subarray(0, mishap.after ?? 0), () => {
      // Not at once: a reset overtakes bytes that the other side has, but has not read yet.
      if (mishap.kind === 'truncate') setTimeout(() => response.destroy(), 500);
    });
  } else {
    response.writeHead(status, { 'content-length': rest.length, ...partly }).end(rest);
  }
}

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
