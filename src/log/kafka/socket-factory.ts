import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** `code` of the error of a TLS socket whose peer answers without TLS. */
export const PLAIN_EXPECTED = 'EMBEDSTREAM_PLAIN_EXPECTED';
/** `code` of the error of a socket without TLS whose first answer is TLS. */
export const TLS_EXPECTED = 'EMBEDSTREAM_TLS_EXPECTED';

const KEEP_ALIVE_DELAY_MS = 60_000;
/** A TLS record that holds an alert begins with its type, then the major version: RFC 8446, 5.1. */
const TLS_ALERT = 21;
const TLS_MAJOR_VERSION = 3;

/**
 * As kafkajs' own, with Nagle's delay off (a transaction is several small requests, each waiting for its answer), and
 * with eyes for a TLS alert on a connection without TLS: kafkajs takes it for the length of an answer of 352 MB, and
 * waits.
 */
export function createSocketFactory(): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    // The types promise `ssl`; without TLS it is null.
    const options = ssl as typeof ssl | null | undefined;
    const socket =
      options === null || options === undefined
        ? connect({ host, port }, onConnect)
        : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...options }, onConnect);
    if (options === null || options === undefined) watchForTls(socket, host, port);
    return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS).setNoDelay(true);
  };
}

function watchForTls(socket: Socket, host: string, port: number): void {
  socket.once('data', (first) => {
    if (first[0] !== TLS_ALERT || first[1] !== TLS_MAJOR_VERSION) return;
    const error = new Error(`${host}:${port} answers in TLS`);
    socket.destroy(Object.assign(error, { code: TLS_EXPECTED }));
  });
}
