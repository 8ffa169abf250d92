import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { failureOutcome, fatalError } from '../../../src/errors.ts';
import type { ErrorContext } from '../../../src/log/kafka/kafka-errors.ts';
import { toPipelineError } from '../../../src/log/kafka/kafka-errors.ts';
import { protocolError } from '../../../src/log/kafka/internals.ts';
import { LOGIN_EXPECTED, PLAIN_EXPECTED, TLS_EXPECTED } from '../../../src/log/kafka/socket-factory.ts';

const { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded } = kafkajs;

const alice: ErrorContext = {
  brokers: ['kafka-1:9092'],
  sasl: { mechanism: 'scram-sha-512', username: 'alice', password: 'pa55word' },
};

/** As kafkajs makes them of a socket's error. */
function broken(code: string | undefined, message = 'why', broker = 'kafka-1:9092'): Error {
  return Object.assign(new KafkaJSConnectionError(`Connection error: ${message}`), { broker, code });
}
function named(name: string, message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), { name, ...properties });
}
/** As kafkajs wraps what it gives up on. */
function givenUp(error: Error): Error {
  return new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 5, retryTime: 10 });
}
const seen = (error: unknown, context: ErrorContext = alice) => {
  const mapped = toPipelineError(error, 'topic "t"', context);
  return { code: mapped.code, message: mapped.message, outcome: failureOutcome(mapped) };
};

describe('error codes of the protocol', () => {
  it.each([
    [5, 'LOG_BUSY', 'retry', 'LEADER_NOT_AVAILABLE'],
    [8, 'LOG_BUSY', 'retry', 'BROKER_NOT_AVAILABLE'],
    [14, 'LOG_BUSY', 'retry', 'GROUP_LOAD_IN_PROGRESS'],
    [16, 'LOG_BUSY', 'retry', 'NOT_COORDINATOR_FOR_GROUP'],
    [19, 'LOG_BUSY', 'retry', 'min.insync.replicas'],
    [51, 'LOG_BUSY', 'retry', 'CONCURRENT_TRANSACTIONS'],
    [56, 'LOG_BUSY', 'retry', "the broker's log"],
    [3, 'LOG_TOPIC_UNKNOWN', 'retry', 'is not there'],
    [29, 'LOG_NOT_AUTHORIZED', 'retry', 'user "alice" may not do this: TOPIC_AUTHORIZATION_FAILED. Grant Read'],
    [30, 'LOG_NOT_AUTHORIZED', 'retry', 'GROUP_AUTHORIZATION_FAILED'],
    [31, 'LOG_NOT_AUTHORIZED', 'retry', 'CLUSTER_AUTHORIZATION_FAILED'],
    [53, 'LOG_NOT_AUTHORIZED', 'retry', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    [55, 'LOG_NOT_AUTHORIZED', 'retry', 'OPERATION_NOT_ATTEMPTED. Grant Write'],
    [47, 'LOG_FENCED', 'stop', 'INVALID_PRODUCER_EPOCH'],
    [49, 'LOG_FENCED', 'stop', 'INVALID_PRODUCER_ID_MAPPING'],
    [90, 'LOG_FENCED', 'stop', 'PRODUCER_FENCED'],
    [22, 'LOG_FENCED', 'stop', 'ILLEGAL_GENERATION'],
    [10, 'LOG_RECORD_TOO_LARGE', 'stop', 'max.message.bytes'],
    [18, 'LOG_RECORD_TOO_LARGE', 'stop', 'max.message.bytes'],
    [33, 'LOG_NOT_AUTHENTICATED', 'stop', '--sasl-mechanism=scram-sha-512'],
    [34, 'LOG_NOT_AUTHENTICATED', 'stop', 'asks for no login'],
    [58, 'LOG_NOT_AUTHENTICATED', 'stop', 'user "alice"'],
    [38, 'LOG_REFUSED', 'stop', '--replication-factor'],
    [50, 'LOG_REFUSED', 'stop', '--transaction-timeout'],
    [26, 'LOG_REFUSED', 'stop', '--session-timeout'],
    [44, 'LOG_REFUSED', 'stop', 'POLICY_VIOLATION'],
    [12345, 'LOG_REFUSED', 'stop', 'error code 12345'],
  ])('%i is %s: %s', (number, code, outcome, says) => {
    const mapped = seen(protocolError(number));
    expect(mapped).toMatchObject({ code, outcome });
    expect(mapped.message).toContain('Topic "t": ');
    expect(mapped.message).toContain(says);
    expect(mapped.message).not.toContain('pa55word');
  });

  it('are found beneath what kafkajs wraps them in, and in an aggregate', () => {
    expect(seen(givenUp(protocolError(29))).code).toBe('LOG_NOT_AUTHORIZED');
    expect(seen(new Error('outer', { cause: givenUp(protocolError(29)) })).code).toBe('LOG_NOT_AUTHORIZED');
    expect(seen(Object.assign(new Error('all'), { errors: [protocolError(38)] })).message).toContain(
      '--replication-factor',
    );
  });
});

describe('TLS', () => {
  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', '--tls-ca'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', '--tls-ca'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', '--tls-ca'],
    ['CERT_HAS_EXPIRED', 'out of date'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'advertised.listeners'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', '--tls-cert'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', '--tls-cert'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'leave out --tls'],
    [PLAIN_EXPECTED, 'Leave out --tls'],
    [TLS_EXPECTED, 'Give --tls'],
  ])('%s stops at once and says: %s', (code, says) => {
    const mapped = seen(givenUp(broken(code)));
    expect(mapped).toMatchObject({ code: 'LOG_TLS_FAILED', outcome: 'stop' });
    expect(mapped.message).toContain(says);
    expect(mapped.message).toContain('kafka-1:9092');
  });

  it("leaves out OpenSSL's places in its source and Node's advice", () => {
    const openssl =
      '40BD:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:../deps/rec_layer_s3.c:918:SSL alert number 42\n';
    expect(seen(broken('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', openssl)).message).toContain(
      'kafka-1:9092: ssl/tls alert bad certificate. ',
    );
    const node =
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca';
    expect(seen(broken('UNABLE_TO_VERIFY_LEAF_SIGNATURE', node)).message).not.toContain('use-system-ca');
  });
});

describe('logins', () => {
  it('fail at once, naming mechanism and user', () => {
    const message = 'SASL SCRAM SHA512 authentication failed: Authentication failed: invalid credentials';
    const mapped = seen(named('KafkaJSSASLAuthenticationError', message));
    expect(mapped).toMatchObject({ code: 'LOG_NOT_AUTHENTICATED', outcome: 'stop' });
    expect(mapped.message).toContain('user "alice" (scram-sha-512)');
    expect(mapped.message).toContain('KAFKA_SASL_PASSWORD');
  });

  it('that broke with the connection are tried again', () => {
    for (const reason of [
      'Connection error: read ECONNRESET',
      'Closed connection',
      'Request SaslAuthenticate(key: 36, version: 1) timed out',
    ]) {
      const mapped = seen(named('KafkaJSSASLAuthenticationError', `SASL PLAIN authentication failed: ${reason}`));
      expect(mapped).toMatchObject({ code: 'LOG_BUSY', outcome: 'retry' });
    }
  });

  it('that the listener asks for are asked for', () => {
    const mapped = seen(broken(LOGIN_EXPECTED, 'the listener asks for a login by PLAIN'), { brokers: [] });
    expect(mapped).toMatchObject({ code: 'LOG_NOT_AUTHENTICATED', outcome: 'stop' });
    expect(mapped.message).toContain('a login by PLAIN. Give --sasl-mechanism');
  });
});

describe('connections', () => {
  it('that fail are tried again', () => {
    for (const error of [
      broken('ECONNREFUSED'),
      broken(undefined, 'Connection timeout'),
      named('KafkaJSConnectionClosedError', 'Closed connection', { broker: 'kafka-1:9092' }),
      named('KafkaJSRequestTimeoutError', 'Request Fetch timed out', { broker: 'kafka-1:9092' }),
      named('KafkaJSBrokerNotFound', 'Broker 2 not found in the cached metadata'),
    ]) {
      expect(seen(givenUp(error))).toMatchObject({ code: 'LOG_BUSY', outcome: 'retry' });
    }
  });

  it('to a name that is not there say whether the flag or the cluster gave the name', () => {
    const flag = seen(broken('ENOTFOUND', 'getaddrinfo ENOTFOUND kafka-1', 'kafka-1:9092')).message;
    expect(flag).toContain('check --brokers');
    const advertised = seen(
      broken('ENOTFOUND', 'getaddrinfo ENOTFOUND broker.internal', 'broker.internal:9092'),
    ).message;
    expect(advertised).toContain('broker.internal:9092');
    expect(advertised).toContain('advertised.listeners');
  });
});

it('leaves our own errors as they are, also where kafkajs wrapped them', () => {
  const ours = fatalError('LOG_NOT_AUTHENTICATED', 'The token server said no.');
  expect(toPipelineError(ours, 'x')).toBe(ours);
  expect(toPipelineError(givenUp(ours), 'x')).toBe(ours);
});

it('stops on what it does not know, and keeps it as the cause', () => {
  const bug = new TypeError('x is not a function');
  const mapped = toPipelineError(bug, 'reading');
  expect(mapped).toMatchObject({ code: 'LOG_REFUSED', retriable: false, message: 'Reading: x is not a function' });
  expect(mapped.cause).toBe(bug);
});
