import type { KafkaSasl } from './connection.ts';

/** What an error means to the pipeline. `text` says what went wrong and what to do. */
export interface Explanation {
  readonly code: string;
  readonly retriable: boolean;
  readonly text: string;
}

/** Codes newer than kafkajs 2.2.4, by their numbers. https://kafka.apache.org/protocol#protocol_error_codes */
export const codesByNumber: ReadonlyMap<number, string> = new Map([
  [51, 'CONCURRENT_TRANSACTIONS'],
  [89, 'THROTTLING_QUOTA_EXCEEDED'],
  [90, 'PRODUCER_FENCED'],
  [91, 'RESOURCE_NOT_FOUND'],
  [97, 'UNACCEPTABLE_CREDENTIAL'],
  [100, 'UNKNOWN_TOPIC_ID'],
  [103, 'INCONSISTENT_TOPIC_ID'],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR'],
  [120, 'TRANSACTION_ABORTABLE'],
]);

/** Leaders and coordinators that move or start, replicas that catch up: a matter of seconds, as a rule. */
const PASSING: ReadonlySet<string> = new Set([
  'CORRUPT_MESSAGE',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'STALE_CONTROLLER_EPOCH',
  'NETWORK_EXCEPTION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
  'REBALANCE_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
  'TRANSACTION_COORDINATOR_FENCED',
  'REASSIGNMENT_IN_PROGRESS',
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'LISTENER_NOT_FOUND',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'STALE_BROKER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'PREFERRED_LEADER_NOT_AVAILABLE',
  'ELIGIBLE_LEADERS_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

/** The same, where a person may have to do something if it lasts. */
const PASSING_HINTS: Readonly<Record<string, string>> = {
  NOT_ENOUGH_REPLICAS: 'Fewer replicas are in sync than min.insync.replicas asks for. Are all brokers up?',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'Fewer replicas are in sync than min.insync.replicas asks for. Are all brokers up?',
  KAFKA_STORAGE_ERROR: "A broker's disk is full or faulty: see the broker's log.",
};

/** A newer owner has the work; this one must stop. */
const FENCED: ReadonlySet<string> = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'FENCED_INSTANCE_ID',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

const NOT_AUTHORIZED: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'Read, Write, Describe, Create and DescribeConfigs on the topic',
  GROUP_AUTHORIZATION_FAILED: 'Read and Describe on the group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'Write and Describe on the transactional id',
  // What the topics beside one that may not be written get.
  OPERATION_NOT_ATTEMPTED: 'Write and Describe on all of these topics',
  CLUSTER_AUTHORIZATION_FAILED: 'what was asked for on the cluster',
};

/** Nothing mends itself; what to change. */
const REFUSED_HINTS: Readonly<Record<string, string>> = {
  INVALID_TOPIC_EXCEPTION: 'A topic name may hold letters, digits, dots, dashes and underscores, 249 at most.',
  INVALID_REPLICATION_FACTOR: 'There are fewer brokers than copies asked for: give a smaller --replication-factor.',
  INVALID_PARTITIONS: 'Give a number of --partitions that the cluster allows.',
  INVALID_SESSION_TIMEOUT:
    'Give a --session-timeout between group.min.session.timeout.ms and group.max.session.timeout.ms of the broker.',
  INVALID_TRANSACTION_TIMEOUT: 'Give a --transaction-timeout of at most transaction.max.timeout.ms of the broker.',
  INCONSISTENT_GROUP_PROTOCOL:
    'Another program, or another version of this one, is in the group: stop it, or use another --namespace.',
  GROUP_MAX_SIZE_REACHED: 'The group is full: group.max.size of the broker limits how many processes share it.',
  UNSUPPORTED_VERSION: 'The broker is too old or too new for this program: it needs Kafka 2.5 or later.',
};

/** The meaning of an error code. */
export function explainCode(type: string, message: string, sasl: KafkaSasl | undefined): Explanation {
  const said = `${type} (${message})`;
  if (PASSING.has(type))
    return { code: 'LOG_BUSY', retriable: true, text: `the cluster is not ready for it: ${said}.` };
  const passingHint = PASSING_HINTS[type];
  if (passingHint !== undefined) return { code: 'LOG_BUSY', retriable: true, text: `${said}. ${passingHint}` };
  if (FENCED.has(type)) return fenced(said);
  const rights = NOT_AUTHORIZED[type];
  if (rights !== undefined) return notAuthorized(type, rights, sasl);
  switch (type) {
    case 'SASL_AUTHENTICATION_FAILED':
    case 'UNSUPPORTED_SASL_MECHANISM':
    case 'ILLEGAL_SASL_STATE':
      return notAuthenticated(type, message, sasl);
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      // Also what a broker says until it has heard of a topic or of its being the leader.
      return { code: 'LOG_TOPIC_UNKNOWN', retriable: true, text: 'this topic or partition is not there.' };
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return {
        code: 'LOG_RECORD_TOO_LARGE',
        retriable: false,
        text: `the broker takes no batch of this size: ${said}. Raise max.message.bytes of the topic, or message.max.bytes of the broker.`,
      };
    default:
      return { code: 'LOG_REFUSED', retriable: false, text: `the broker refused it: ${said}.${hintOf(type)}` };
  }
}

function hintOf(type: string): string {
  const hint = REFUSED_HINTS[type];
  return hint === undefined ? '' : ` ${hint}`;
}

function fenced(said: string): Explanation {
  const text =
    `a newer owner has taken this work over, or it took longer than --transaction-timeout: ${said}. ` +
    'Nothing of this transaction counts; what is left goes on from the last one that was committed.';
  return { code: 'LOG_FENCED', retriable: false, text };
}

/** Retriable: rights that are taken away by mistake come back. Who retries gives up before long. */
function notAuthorized(type: string, rights: string, sasl: KafkaSasl | undefined): Explanation {
  const text = `${userOf(sasl)} may not do this: ${type}. Grant ${rights} (kafka-acls), or use another --namespace.`;
  return { code: 'LOG_NOT_AUTHORIZED', retriable: true, text };
}

/** What a broker says to a login, in kafkajs' words or the broker's. */
export function notAuthenticated(type: string, reason: string, sasl: KafkaSasl | undefined): Explanation {
  const mechanism = sasl?.mechanism ?? 'none';
  const explanation = { code: 'LOG_NOT_AUTHENTICATED', retriable: false };
  if (type === 'UNSUPPORTED_SASL_MECHANISM') {
    const mend = "Choose one of the broker's sasl.enabled.mechanisms for this listener.";
    return { ...explanation, text: `the broker does not take --sasl-mechanism=${mechanism}. ${mend}` };
  }
  if (type === 'ILLEGAL_SASL_STATE') {
    const mend = 'Use the address of a SASL listener, or leave out --sasl-mechanism.';
    return { ...explanation, text: `the broker asks for no login on this listener. ${mend}` };
  }
  const mend =
    sasl === undefined || sasl.mechanism === 'oauthbearer'
      ? 'Check the credentials.'
      : 'Check --sasl-username, KAFKA_SASL_PASSWORD and --sasl-mechanism.';
  return { ...explanation, text: `the broker refused ${userOf(sasl)} (${mechanism}): ${reason}. ${mend}` };
}

function userOf(sasl: KafkaSasl | undefined): string {
  if (sasl === undefined) return 'this user';
  return sasl.mechanism === 'oauthbearer' ? "the token's user" : `user "${sasl.username}"`;
}
