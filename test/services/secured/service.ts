import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { askBrokers } from '../kafka/ask.ts';
import { kafkaJava, missingForKafka } from '../kafka/distribution.ts';
import { launchNode } from '../kafka/node.ts';
import type { Properties } from '../kafka/properties.ts';
import { freePorts } from '../ports.ts';
import { logFileOf } from '../server-process.ts';
import type { Service, Way } from '../service.ts';
import { type Certificates, makeCertificates, missingForCertificates } from './certificates.ts';
import { AUDIENCE, ISSUER, makeTokenKeys, type TokenKeys } from './tokens.ts';

/**
 * A broker with TLS, SASL and an authorizer. Everybody may do everything until an access control entry names a
 * resource: one that denies `User:alice` a topic takes that topic from her.
 */
export interface SecuredKafka {
  /** SASL over TLS: SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN with `user`, OAUTHBEARER with a token of `signToken`. */
  readonly saslBrokers: string[];
  /** TLS that demands a client's certificate. Its principal is `User:CN=client`. */
  readonly mutualTlsBrokers: string[];
  /** Without security, and everybody is the super user: for making topics and access control entries. */
  readonly adminBrokers: string[];
  readonly user: { readonly username: string; readonly password: string };
  readonly certificates: Certificates;
  readonly tokens: TokenKeys;
}

const USER = { username: 'alice', password: 'alice-secret-7f3b' };
const SASL = 'listener.name.sasl_ssl';
const SECURITY_PACKAGE = 'org.apache.kafka.common.security';

const securedInJvm: Way<SecuredKafka> = {
  name: 'JVM',
  keepsData: true,
  missing: () => missingForKafka() ?? missingForCertificates(),
  fetch: async () => {
    await kafkaJava();
  },
  async launch(folder, wanted) {
    const ports = await freePorts(4, wanted);
    const [adminPort = 0, saslPort = 0, mutualTlsPort = 0, controllerPort = 0] = ports;
    const certificates = await makeCertificates(join(folder, 'certificates'));
    const tokens = makeTokenKeys(join(folder, 'tokens'));
    const process = await launchNode({
      folder,
      listeners: [
        { name: 'PLAINTEXT', port: adminPort, protocol: 'PLAINTEXT' },
        { name: 'SASL_SSL', port: saslPort, protocol: 'SASL_SSL' },
        { name: 'SSL', port: mutualTlsPort, protocol: 'SSL' },
      ],
      controllerPort,
      overrides: securityProperties(certificates, tokens),
      formatArgs: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=${USER.username},password=${USER.password}]`,
      ]),
      // Kafka fetches keys from named places only.
      javaArgs: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${jwksUrl(tokens)}`],
    });
    return {
      address: {
        adminBrokers: [`127.0.0.1:${adminPort}`],
        saslBrokers: [`127.0.0.1:${saslPort}`],
        mutualTlsBrokers: [`127.0.0.1:${mutualTlsPort}`],
        user: USER,
        certificates,
        tokens,
      },
      ports,
      process,
      logFile: logFileOf(folder),
    };
  },
};

function securityProperties(certificates: Certificates, tokens: TokenKeys): Properties {
  return {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': true,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.brokerFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.caFile,
    'listener.name.ssl.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${SASL}.plain.sasl.jaas.config`]: `${SECURITY_PACKAGE}.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`,
    [`${SASL}.scram-sha-256.sasl.jaas.config`]: `${SECURITY_PACKAGE}.scram.ScramLoginModule required;`,
    [`${SASL}.scram-sha-512.sasl.jaas.config`]: `${SECURITY_PACKAGE}.scram.ScramLoginModule required;`,
    [`${SASL}.oauthbearer.sasl.jaas.config`]: `${SECURITY_PACKAGE}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${SASL}.oauthbearer.sasl.server.callback.handler.class`]: `${SECURITY_PACKAGE}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'sasl.oauthbearer.jwks.endpoint.url': jwksUrl(tokens),
    'sasl.oauthbearer.expected.audience': AUDIENCE,
    'sasl.oauthbearer.expected.issuer': ISSUER,
  };
}

function jwksUrl({ jwksFile }: TokenKeys): string {
  return pathToFileURL(jwksFile).href;
}

export const securedKafka: Service<SecuredKafka> = {
  name: 'secured-kafka',
  usualPorts: [],
  ways: [securedInJvm],
  exported: ({ saslBrokers }) => `KAFKA_BROKERS=${saslBrokers.join()}`,
  fromEnvironment: () => {
    throw new Error('No environment variable holds all that a secured Kafka needs');
  },
  ask: async ({ adminBrokers }) => {
    await askBrokers({ brokers: adminBrokers });
  },
};
