import { connect, isIP, type OnReadOpts, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { askForLogin } from './listener-probe.ts';
import { AnswerFrames } from './wire/answer-frames.ts';

/** `code` of a socket's error: TLS was tried on a listener that answers without. */
export const PLAIN_EXPECTED = 'EMBEDSTREAM_PLAIN_EXPECTED';
/** `code` of a socket's error: no TLS was tried, and the listener answers in TLS. */
export const TLS_EXPECTED = 'EMBEDSTREAM_TLS_EXPECTED';
/** `code` of a socket's error: nobody logged in, and the listener asks for it. The message names the mechanisms. */
export const LOGIN_EXPECTED = 'EMBEDSTREAM_LOGIN_EXPECTED';

/** Of one read; of memory that is read into over and over. */
const READ_BYTES = 256 * 1024;
const KEEP_ALIVE_DELAY_MS = 60_000;
/** A TLS record that holds an alert begins with its type, then the major version: RFC 8446, 5.1. */
const TLS_ALERT = 21;
const TLS_MAJOR_VERSION = 3;
/** A broker answers ApiVersions to anyone, in one piece or two, before it hangs up. */
const FIRST_CHUNKS = 2;
/** A finding is for the tries that follow at once, not for a listener that was set up anew since. */
const FINDING_LASTS_MS = 10_000;

interface Finding {
  readonly error: Error;
  readonly untilMs: number;
}

interface Target {
  readonly host: string;
  readonly port: number;
  /** undefined: no TLS. */
  readonly tls: ConnectionOptions | undefined;
}

interface OpenOptions {
  readonly onConnect?: () => void;
  readonly onread?: OnReadOpts;
}

/**
 * As kafkajs' own, with Nagle's delay off (a transaction is several small requests, each waiting for its answer), and
 * with an eye on what a broker does not say: to TLS, no TLS or no login where it expects the other, it hangs up without
 * a word, as it does when it stops. So after a connection that ended so early the listener is asked what it is, and if
 * that is certain, the next connection fails with an error that says it.
 *
 * @param logsIn whether SASL is configured.
 */
export function createSocketFactory(logsIn: boolean): ISocketFactory {
  const findings = new Map<string, Finding>();
  return ({ host, port, ssl, onConnect }) => {
    const target: Target = { host, port, tls: tlsOf(ssl) };
    const address = `${host}:${port}`;
    const finding = findings.get(address);
    if (finding !== undefined && performance.now() < finding.untilMs) return failedSocket(finding.error);
    const socket = openFramed(target, onConnect);
    if (target.tls === undefined) watchForTls(socket);
    watchForEarlyEnd(socket, target, logsIn, (error) => {
      findings.set(address, { error, untilMs: performance.now() + FINDING_LASTS_MS });
    });
    return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS).setNoDelay(true);
  };
}

/** kafkajs' types promise `ssl`; without TLS it is null. */
function tlsOf(ssl: ConnectionOptions | null): ConnectionOptions | undefined {
  return ssl ?? undefined;
}

function open({ host, port, tls }: Target, { onConnect, onread }: OpenOptions = {}): Socket {
  const read = onread === undefined ? {} : { onread };
  if (tls === undefined) return connect({ host, port, ...read }, onConnect);
  return connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls, ...read }, onConnect);
}

/** A socket whose 'data' is one whole answer each time. */
function openFramed(target: Target, onConnect: (() => void) | undefined): Socket {
  const frames = new AnswerFrames((frame) => socket.emit('data', frame));
  const onread: OnReadOpts = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (bytes, buffer) => {
      frames.take(buffer.subarray(0, bytes));
      return true;
    },
  };
  const socket = open(target, { ...(onConnect !== undefined && { onConnect }), onread });
  return socket;
}

/** kafkajs takes a TLS alert for the length of an answer of 352 MB, and waits for it. */
function watchForTls(socket: Socket): void {
  socket.once('data', (first) => {
    if (first[0] !== TLS_ALERT || first[1] !== TLS_MAJOR_VERSION) return;
    socket.destroy(faultOf(TLS_EXPECTED, 'the listener answers in TLS'));
  });
}

function watchForEarlyEnd(socket: Socket, target: Target, logsIn: boolean, found: (error: Error) => void): void {
  const { host, port, tls } = target;
  let chunks = 0;
  let isSecure = false;
  let hungUp = false;
  const count = (): void => {
    if (++chunks > FIRST_CHUNKS) socket.off('data', count);
  };
  socket.on('data', count);
  socket.once('secureConnect', () => (isSecure = true));
  socket.once('end', () => (hungUp = true));
  socket.once('error', (error) => (hungUp ||= 'code' in error && error.code === 'ECONNRESET'));
  socket.once('close', () => {
    if (!hungUp || chunks > FIRST_CHUNKS) return;
    if (tls !== undefined && !isSecure) {
      void askForLogin(open({ host, port, tls: undefined })).then((answer) => {
        if (answer !== undefined) found(faultOf(PLAIN_EXPECTED, 'the listener answers without TLS'));
      });
    } else if (!logsIn) {
      void askForLogin(open(target)).then((answer) => {
        if (answer === undefined || answer.mechanisms.length === 0) return;
        found(faultOf(LOGIN_EXPECTED, `the listener asks for a login by ${answer.mechanisms.join(', ')}`));
      });
    }
  });
}

/** A socket that fails as soon as kafkajs listens. */
function failedSocket(error: Error): Socket {
  const socket = new Socket();
  setImmediate(() => socket.destroy(error));
  return socket;
}

function faultOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
