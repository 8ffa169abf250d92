import { logLevel, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { kafkaLogCreator, type KafkaLogTarget } from './kafka-logging.ts';
import { oauthBearerMechanism, type TokenProvider } from './oauth-bearer.ts';
import { createSocketFactory } from './socket-factory.ts';

/** Who we are to the broker, when TLS alone does not say it. */
export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: TokenProvider };

/** PEM texts, not file names. */
export interface KafkaTls {
  /** The authorities that sign the brokers' certificates; left out: the well-known ones that Node brings. */
  readonly ca?: string;
  /** Our own certificate with its key, for brokers that ask for one. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
}

/** How to reach a Kafka cluster; made from flags and environment, taken by the Kafka log. */
export interface KafkaConnection {
  /** `host:port` of the brokers to ask first; they name all others. */
  readonly brokers: readonly string[];
  /** How the brokers' own logs and quotas call this program. */
  readonly clientId: string;
  /** Left out: no encryption. */
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

/**
 * A connection as kafkajs' `Kafka` takes it.
 *
 * @param log gets kafkajs' own lines at debug level, without what may hold secrets; left out: they are dropped.
 */
export function kafkaClientOptions(connection: KafkaConnection, log?: KafkaLogTarget): KafkaConfig {
  const { brokers, clientId, tls, sasl } = connection;
  return {
    brokers: [...brokers],
    clientId,
    socketFactory: createSocketFactory(sasl !== undefined),
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.DEBUG,
    logCreator: kafkaLogCreator(log),
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(sasl === undefined ? {} : { sasl: mechanismOf(sasl) }),
  };
}

function mechanismOf(sasl: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism === 'oauthbearer') return oauthBearerMechanism(sasl.token);
  const { mechanism, username, password } = sasl;
  // kafkajs keeps state of its own in this object: each client gets a fresh one.
  return { mechanism, username, password } as SASLOptions;
}
