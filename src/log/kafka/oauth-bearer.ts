import type { KafkaConfig } from 'kafkajs';
import { fatalError } from '../../errors.ts';

/** Hands out a token that is valid now. Called for each connection and each re-authentication. */
export type TokenProvider = () => Promise<string>;

type Mechanism = Extract<NonNullable<KafkaConfig['sasl']>, { authenticationProvider: unknown }>;

const SEPARATOR = '\u0001';
/** What a client answers to a refusal, so that the broker ends the exchange with an error: RFC 7628, 3.2.3. */
const REFUSAL_ACKNOWLEDGED = SEPARATOR;

/**
 * SASL/OAUTHBEARER (RFC 7628) in place of kafkajs' own: that one never reads the broker's answer, so that a token that
 * was refused shows as a connection that the broker closes at the next request, and is tried again and again.
 */
export function oauthBearerMechanism(token: TokenProvider): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const initial = `n,,${SEPARATOR}auth=Bearer ${await token()}${SEPARATOR}${SEPARATOR}`;
        const refusal = await saslAuthenticate({ request: requestOf(initial), response: ANSWER });
        if (typeof refusal !== 'string' || refusal === '') return;
        // The broker answers with an error and hangs up; its first message says more.
        await saslAuthenticate({ request: requestOf(REFUSAL_ACKNOWLEDGED), response: ANSWER }).catch(() => undefined);
        throw refused(refusal);
      },
    }),
  };
}

function refused(reason: string): Error {
  return fatalError(
    'LOG_NOT_AUTHENTICATED',
    `The broker refused the OAUTHBEARER token (${reason.slice(0, 300)}). Check the issuer, audience, scope and lifetime ` +
      `that the broker expects, and KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_SCOPE.`,
  );
}

/** Kafka's BYTES: the length in front. */
function requestOf(text: string): { encode: () => Buffer } {
  return {
    encode: () => {
      const bytes = Buffer.from(text);
      const framed = Buffer.allocUnsafe(4 + bytes.length);
      framed.writeInt32BE(bytes.length);
      bytes.copy(framed, 4);
      return framed;
    },
  };
}

/** The broker's message as text; empty is a yes. */
const ANSWER = {
  decode: (framed: Buffer): Buffer => framed.subarray(4),
  parse: (bytes: Buffer): string => bytes.toString('utf8'),
};
