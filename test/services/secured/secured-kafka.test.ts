import { readFileSync } from 'node:fs';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWithService, type SecuredKafka, securedKafka, signToken } from '../index.ts';

/** kafkajs waits 1 s, too little on a machine that starts other servers. */
const TIMEOUT_MS = 20_000;

async function topicsBy(connection: Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>): Promise<string[]> {
  const admin = new Kafka({
    ...connection,
    logLevel: logLevel.NOTHING,
    connectionTimeout: TIMEOUT_MS,
    authenticationTimeout: TIMEOUT_MS,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

describeWithService('secured-kafka', 'the secured Kafka', () => {
  let server: SecuredKafka;
  let ssl: { ca: string[] };
  beforeAll(async () => {
    server = await securedKafka();
    ssl = { ca: [readFileSync(server.certificates.caFile, 'utf8')] };
  });
  const sasl = (
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
    password = server.user.password,
  ): Promise<string[]> =>
    topicsBy({
      brokers: server.saslBrokers,
      ssl,
      sasl: { mechanism: mechanism as 'plain', username: server.user.username, password },
    });
  const oauth = (token: string): Promise<string[]> =>
    topicsBy({
      brokers: server.saslBrokers,
      ssl,
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider: () => Promise.resolve({ value: token }) },
    });

  describe.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('by %s', (mechanism) => {
    it('lets the user in, and nobody with another password', async () => {
      expect(await sasl(mechanism)).toEqual(expect.any(Array));
      await expect(sasl(mechanism, 'wrong')).rejects.toThrow(/authentication/i);
    });
  });

  it('takes tokens that the right key signed, for it, and that have not expired', async () => {
    const key = server.tokens.signingKeyFile;
    expect(await oauth(signToken(key, { subject: 'alice' }))).toEqual(expect.any(Array));
    await expect(oauth(signToken(key, { subject: 'alice', expiresInS: -120 }))).rejects.toThrow();
    await expect(oauth(signToken(key, { subject: 'alice', audience: 'else' }))).rejects.toThrow();
    await expect(oauth(signToken(server.certificates.clientKeyFile, { subject: 'alice' }))).rejects.toThrow();
  });

  it('takes client certificates of its authority only', async () => {
    const { certificates, mutualTlsBrokers: brokers } = server;
    const read = (file: string): string => readFileSync(file, 'utf8');
    const client = { cert: read(certificates.clientCertFile), key: read(certificates.clientKeyFile) };
    const stranger = { cert: read(certificates.strangerCertFile), key: read(certificates.strangerKeyFile) };
    expect(await topicsBy({ brokers, ssl: { ...ssl, ...client } })).toEqual(expect.any(Array));
    await expect(topicsBy({ brokers, ssl: { ...ssl, ...stranger } })).rejects.toThrow();
    await expect(topicsBy({ brokers, ssl })).rejects.toThrow();
  });

  it('takes a topic away from the user', async () => {
    const admin = new Kafka({
      brokers: server.adminBrokers,
      logLevel: logLevel.NOTHING,
      connectionTimeout: TIMEOUT_MS,
    }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'taken-away' }], waitForLeaders: true });
    expect(await sasl('plain')).toContain('taken-away');
    await admin.createAcls({
      acl: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: 'taken-away',
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: `User:${server.user.username}`,
          host: '*',
          operation: AclOperationTypes.ALL,
          permissionType: AclPermissionTypes.DENY,
        },
      ],
    });
    await admin.disconnect();
    await expect.poll(() => sasl('plain')).not.toContain('taken-away');
  });
});
