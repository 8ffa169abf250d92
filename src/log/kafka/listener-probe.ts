import type { Socket } from 'node:net';

/** What a listener answers to the question how to log in. */
export interface LoginAnswer {
  /** Empty where the listener asks for no login. */
  readonly mechanisms: readonly string[];
}

const TIMEOUT_MS = 3_000;
const SASL_HANDSHAKE = 17;
const VERSION = 1;
const CORRELATION_ID = 0x656d6265;
const MAX_ANSWER_BYTES = 4_096;

/**
 * Asks a Kafka listener for its SASL mechanisms, by a SaslHandshake for one that is not there; undefined when what is
 * behind the socket gives no answer of Kafka's. Ends the socket, which nobody else may use.
 */
export function askForLogin(socket: Socket): Promise<LoginAnswer | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (answer: LoginAnswer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.unref();
    socket.setTimeout(TIMEOUT_MS, () => {
      finish(undefined);
    });
    socket.on('error', () => {
      finish(undefined);
    });
    socket.on('close', () => {
      finish(undefined);
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const size = received.length < 8 ? 0 : received.readInt32BE(0);
      const isOurs = received.length < 8 || (received.readInt32BE(4) === CORRELATION_ID && size <= MAX_ANSWER_BYTES);
      if (!isOurs) finish(undefined);
      else if (received.length >= 8 && received.length >= 4 + size) finish(readAnswer(received.subarray(8, 4 + size)));
    });
    socket.write(request());
  });
}

/** SaslHandshake Request (Version: 1) => mechanism. https://kafka.apache.org/protocol */
function request(): Buffer {
  const mechanism = Buffer.from('NONE');
  const frame = Buffer.alloc(4 + 10 + 2 + mechanism.length);
  let at = frame.writeInt32BE(frame.length - 4);
  at = frame.writeInt16BE(SASL_HANDSHAKE, at);
  at = frame.writeInt16BE(VERSION, at);
  at = frame.writeInt32BE(CORRELATION_ID, at);
  // No client id.
  at = frame.writeInt16BE(-1, at);
  at = frame.writeInt16BE(mechanism.length, at);
  mechanism.copy(frame, at);
  return frame;
}

/** SaslHandshake Response (Version: 1) => error_code [mechanisms] */
function readAnswer(body: Buffer): LoginAnswer | undefined {
  const mechanisms: string[] = [];
  try {
    const count = body.readInt32BE(2);
    let at = 6;
    for (let index = 0; index < count; index++) {
      const length = body.readInt16BE(at);
      mechanisms.push(body.toString('latin1', at + 2, at + 2 + length));
      at += 2 + length;
    }
  } catch {
    // Shorter than it says: not Kafka's.
    return undefined;
  }
  return { mechanisms: mechanisms.filter((name) => /^[\w-]{1,30}$/.test(name)) };
}
