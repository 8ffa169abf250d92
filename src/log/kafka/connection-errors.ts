import type { KafkaConnection } from './connection.ts';
import { notAuthenticated, type Explanation } from './protocol-errors.ts';
import { LOGIN_EXPECTED, PLAIN_EXPECTED, TLS_EXPECTED } from './socket-factory.ts';
import { certificateHint, codeOf, handshakeHint } from './tls-faults.ts';

type Context = Pick<KafkaConnection, 'brokers' | 'sasl'> | undefined;

/** kafkajs tells a connection that broke during a login as a failed login; only the words tell them apart. */
const BROKEN_LOGIN = /authentication failed: (?:Connection|Closed|Not connected|Request .* timed out)/;

/** Nobody was reached, or not in time: a broker that restarts looks like this. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSStaleTopicMetadataAssignment',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
]);

/** The meaning of an error without an error code of the protocol; undefined: a wrapper, or nothing of ours. */
export function explainConnection(error: Error, context: Context): Explanation | undefined {
  if (error.name === 'KafkaJSSASLAuthenticationError') return explainLogin(error, context);
  if (error.name === 'KafkaJSServerDoesNotSupportApiKey') {
    const text = `the broker is too old or too new for this program: ${error.message}. It needs Kafka 2.5 or later.`;
    return { code: 'LOG_REFUSED', retriable: false, text };
  }
  if (!UNREACHABLE.has(error.name)) return undefined;
  const code = codeOf(error);
  const broker = brokerOf(error);
  if (code === LOGIN_EXPECTED) {
    const text = `${broker}: ${reason(error)}. Give --sasl-mechanism and what goes with it, or use another listener.`;
    return { code: 'LOG_NOT_AUTHENTICATED', retriable: false, text };
  }
  const tls = tlsHint(code);
  if (tls !== undefined) {
    return {
      code: 'LOG_TLS_FAILED',
      retriable: false,
      text: `no secure connection to ${broker}: ${reason(error)}. ${tls}`,
    };
  }
  const text = `${broker} does not answer: ${reason(error)}. ${reachHint(error, code, broker, context)}`;
  return { code: 'LOG_BUSY', retriable: true, text };
}

function explainLogin(error: Error, context: Context): Explanation {
  if (BROKEN_LOGIN.test(error.message)) {
    return { code: 'LOG_BUSY', retriable: true, text: `the connection broke during the login: ${error.message}.` };
  }
  const isUnsupported = error.message.endsWith('mechanism is not supported by the server');
  const type = isUnsupported ? 'UNSUPPORTED_SASL_MECHANISM' : 'SASL_AUTHENTICATION_FAILED';
  return notAuthenticated(type, error.message, context?.sasl);
}

function tlsHint(code: string | undefined): string | undefined {
  if (code === TLS_EXPECTED) return 'Give --tls, or use the port of a listener without TLS.';
  if (code === PLAIN_EXPECTED) return 'Leave out --tls, or use the port of a TLS listener.';
  return certificateHint(code) ?? handshakeHint(code);
}

function reachHint(error: Error, code: string | undefined, broker: string, context: Context): string {
  const isAdvertised = context !== undefined && broker !== UNNAMED && !context.brokers.includes(broker);
  if (isAdvertised && error.name === 'KafkaJSConnectionError') {
    return (
      `The address is the one that the cluster itself gives (advertised.listeners of the broker), not one of --brokers: ` +
      `it must be reachable from here.`
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'There is no such name: check --brokers and the DNS.';
  return 'Is the broker up, and are --brokers and --tls right for it?';
}

const UNNAMED = 'a broker';

function brokerOf(error: Error): string {
  const broker = 'broker' in error && typeof error.broker === 'string' ? error.broker : '';
  return broker === '' ? UNNAMED : broker;
}

/** Without kafkajs' heading, OpenSSL's places in its source, and Node's advice on what is not ours to do. */
function reason(error: Error): string {
  return error.message
    .replace(/^(?:Connection error|Failed to connect): /, '')
    .replace(/^[0-9A-F]+:error:[^:]*:[^:]*:[^:]*:([^:]*):.*$/s, '$1')
    .replace(/; if the root CA is installed locally.*$/s, '');
}
