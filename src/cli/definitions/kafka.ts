import { defineFlags } from '../flags.ts';
import { brokerAddresses, count, httpUrl } from './schemas.ts';

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

const group = 'Kafka';

/** Where the log is when it is not on this machine. */
export const kafkaFlags = defineFlags({
  brokers: {
    type: 'list',
    group,
    placeholder: 'HOST:PORT',
    schema: brokerAddresses,
    env: ['KAFKA_BROKERS'],
    description: 'Use a Kafka cluster in place of the log in --data-dir',
  },
  schemaRegistry: {
    type: 'string',
    group,
    placeholder: 'URL',
    schema: httpUrl,
    env: ['SCHEMA_REGISTRY_URL'],
    description: "Confluent-compatible schema registry. Without: the schemas' own ids",
  },
  tls: { type: 'boolean', group, env: ['KAFKA_TLS'], description: 'Encrypt; implied by the three that follow' },
  tlsCa: {
    type: 'string',
    group,
    placeholder: 'FILE',
    env: ['KAFKA_TLS_CA'],
    description: "PEM certificates of the authority that signs the brokers', in place of the well-known ones",
  },
  tlsCert: {
    type: 'string',
    group,
    placeholder: 'FILE',
    env: ['KAFKA_TLS_CERT'],
    description: 'PEM certificate to show to the brokers',
  },
  tlsKey: { type: 'string', group, placeholder: 'FILE', env: ['KAFKA_TLS_KEY'], description: 'Its PEM key' },
  saslMechanism: {
    type: 'string',
    group,
    placeholder: 'NAME',
    choices: SASL_MECHANISMS,
    env: ['KAFKA_SASL_MECHANISM'],
    description: 'How to log in',
  },
  saslUsername: {
    type: 'string',
    group,
    env: ['KAFKA_SASL_USERNAME'],
    description: 'User; the password is in KAFKA_SASL_PASSWORD',
  },
  replicationFactor: {
    type: 'number',
    group,
    schema: count.max(32_767),
    description: 'Copies of each partition of topics that are not there yet',
    defaultText: '3, or as many as there are brokers',
  },
  sessionTimeout: {
    type: 'number',
    group,
    placeholder: 'SECONDS',
    schema: count.max(3_600),
    default: 15,
    description: 'Silence after which the group gives the partitions of a process to others',
  },
  transactionTimeout: {
    type: 'number',
    group,
    placeholder: 'SECONDS',
    schema: count.max(3_600),
    default: 45,
    description: 'Time after which the broker ends an open transaction of a process that is gone',
  },
});

/** What comes from the environment only: command lines and configuration files are read by others. */
export const kafkaSecrets: readonly (readonly [names: string, description: string])[] = [
  ['KAFKA_SASL_PASSWORD', 'Password of --sasl-username'],
  ['KAFKA_TLS_KEY_PASSPHRASE', 'Passphrase of --tls-key'],
  [
    'KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID, KAFKA_OAUTH_CLIENT_SECRET, KAFKA_OAUTH_SCOPE',
    'Where and as whom to get tokens for oauthbearer (client credentials); the scope is optional',
  ],
  ['SCHEMA_REGISTRY_USERNAME, SCHEMA_REGISTRY_PASSWORD', 'Basic authentication at --schema-registry'],
];
