import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKafkaConnection, type KafkaOptions } from '../../../src/cli/kafka-connection.ts';
import { PipelineError, UsageError } from '../../../src/errors.ts';
import { kafkaClientOptions } from '../../../src/log/kafka/connection.ts';
import { toPipelineError } from '../../../src/log/kafka/kafka-errors.ts';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { DEFAULT_RETRY, withRetries } from '../../../src/log/retry.ts';
import { describeWithService, securedKafka, signToken, type SecuredKafka } from '../../services/index.ts';

const MOST_ATTEMPTS = 20;

type Environment = Readonly<Record<string, string>>;

describeWithService('secured-kafka', 'a secured Kafka', () => {
  let server: SecuredKafka;
  let tls: Pick<KafkaOptions, 'tls' | 'tlsCa'>;
  let folder: string;
  beforeAll(async () => {
    server = await securedKafka();
    tls = { tls: true, tlsCa: server.certificates.caFile };
    folder = mkdtempSync(join(tmpdir(), 'embedstream-secured-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const lines: string[] = [];
  let attempts = 0;
  /** Connects as the log does, and lists the topics. */
  async function connect(options: Partial<KafkaOptions>, environment: Environment = {}): Promise<number> {
    const connection = await readKafkaConnection({ tls: false, ...options }, environment);
    if (connection === undefined) throw new Error('no brokers');
    const log = { debug: (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`) };
    const admin = new Kafka({ ...kafkaClientOptions(connection, log), retry: { retries: 0 } }).admin();
    const attempt = async (): Promise<number> => {
      attempts++;
      try {
        await admin.connect();
        return (await admin.listTopics()).length;
      } catch (error) {
        throw toPipelineError(error, `connecting to ${connection.brokers.join()}`, connection);
      }
    };
    try {
      return await withRetries(attempt, undefined, { ...DEFAULT_RETRY, maxAttempts: MOST_ATTEMPTS });
    } finally {
      await admin.disconnect();
    }
  }

  async function failureOf(options: Partial<KafkaOptions>, environment: Environment = {}): Promise<PipelineError> {
    attempts = 0;
    const error: unknown = await connect(options, environment).catch((each: unknown) => each);
    if (!(error instanceof PipelineError)) throw new Error('it did not fail as it should', { cause: error });
    // Nobody goes on trying. A listener that hangs up is asked a few times: it may be starting.
    expect(attempts).toBeLessThan(MOST_ATTEMPTS);
    expect(error.retriable).toBe(false);
    return error;
  }

  const asUser = (saslMechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'): Partial<KafkaOptions> => ({
    ...tls,
    brokers: server.saslBrokers,
    saslMechanism,
    saslUsername: server.user.username,
  });
  const password = (): Environment => ({ KAFKA_SASL_PASSWORD: server.user.password });
  const client = (): Partial<KafkaOptions> => ({
    tlsCert: server.certificates.clientCertFile,
    tlsKey: server.certificates.clientKeyFile,
  });

  describe.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('by %s', (mechanism) => {
    it('lets in who has the password', async () => {
      await expect(connect(asUser(mechanism), password())).resolves.toBeGreaterThanOrEqual(0);
    });

    it('refuses another password at once, naming mechanism and user', async () => {
      const error = await failureOf(asUser(mechanism), { KAFKA_SASL_PASSWORD: 'wrong-4d1c' });
      expect(error.code).toBe('LOG_NOT_AUTHENTICATED');
      expect(error.message).toContain(`user "${server.user.username}" (${mechanism})`);
      expect(error.message).not.toContain('wrong-4d1c');
    });
  });

  describe('by oauthbearer', () => {
    let tokenServer: Server;
    let claims: { subject: string; expiresInS?: number; audience?: string };
    /** How often the token server answers that it is busy. */
    let refusals = 0;
    beforeAll(async () => {
      tokenServer = createServer((request, response) => {
        if (refusals > 0) {
          refusals--;
          response.writeHead(503).end();
          return;
        }
        const isKnown = request.headers.authorization === `Basic ${btoa('alice:client-secret-9a2e')}`;
        response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
        const token = () => signToken(server.tokens.signingKeyFile, claims);
        response.end(
          JSON.stringify(isKnown ? { access_token: token(), expires_in: 600 } : { error: 'invalid_client' }),
        );
      });
      await new Promise<void>((resolve) => tokenServer.listen(0, '127.0.0.1', resolve));
    });
    afterAll(async () => {
      tokenServer.closeAllConnections();
      await new Promise((resolve) => tokenServer.close(resolve));
    });
    const environment = (secret = 'client-secret-9a2e'): Environment => ({
      KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${(tokenServer.address() as AddressInfo).port}/token`,
      KAFKA_OAUTH_CLIENT_ID: 'alice',
      KAFKA_OAUTH_CLIENT_SECRET: secret,
    });
    const options = (): Partial<KafkaOptions> => ({
      ...tls,
      brokers: server.saslBrokers,
      saslMechanism: 'oauthbearer',
    });

    it('lets in who gets a token', async () => {
      claims = { subject: 'alice' };
      await expect(connect(options(), environment())).resolves.toBeGreaterThanOrEqual(0);
    });

    it.each([
      ['has expired', { subject: 'alice', expiresInS: -120 }],
      ['is for others', { subject: 'alice', audience: 'others' }],
    ])('refuses a token at once that %s', async (_, wrong) => {
      claims = wrong;
      const error = await failureOf(options(), environment());
      expect(error.code).toBe('LOG_NOT_AUTHENTICATED');
      expect(error.message).toContain('OAUTHBEARER');
    });

    it('waits for a token server that is busy', async () => {
      claims = { subject: 'alice' };
      refusals = 3;
      const connection = await readKafkaConnection({ tls: false, ...options() }, environment());
      if (connection === undefined) throw new Error('no brokers');
      const log = await createKafkaLog({ connection, prefix: 'busy.', retryForMs: 20_000 });
      expect(await log.topics()).toEqual([]);
      await log.close();
      expect(refusals).toBe(0);
    });

    it('says when the token server refuses the client', async () => {
      const error = await failureOf(options(), environment('wrong-77c0'));
      expect(error.code).toBe('LOG_NOT_AUTHENTICATED');
      expect(error.message).toContain('answered 401 (invalid_client) to client "alice"');
    });
  });

  describe('by client certificate', () => {
    it('lets in who has one of the right authority', async () => {
      const options = { ...tls, ...client(), brokers: server.mutualTlsBrokers };
      await expect(connect(options)).resolves.toBeGreaterThanOrEqual(0);
    });

    it('reads an encrypted key, and says when its passphrase is wrong or missing', async () => {
      const tlsKey = join(folder, 'encrypted.key');
      const key = createPrivateKey(readFileSync(server.certificates.clientKeyFile));
      const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'phrase-61' } as const;
      writeFileSync(tlsKey, key.export(cipher));
      const options = { ...tls, ...client(), tlsKey, brokers: server.mutualTlsBrokers };
      await expect(connect(options, { KAFKA_TLS_KEY_PASSPHRASE: 'phrase-61' })).resolves.toBeGreaterThanOrEqual(0);
      for (const environment of [{ KAFKA_TLS_KEY_PASSPHRASE: 'wrong' }, {}]) {
        const error: unknown = await connect(options, environment).catch((each: unknown) => each);
        expect(error).toBeInstanceOf(UsageError);
        expect(String(error)).toContain(`--tls-key=${tlsKey}`);
        expect(String(error)).toContain('KAFKA_TLS_KEY_PASSPHRASE');
      }
    });

    it('says when there is none, or one of another authority', async () => {
      const stranger = { tlsCert: server.certificates.strangerCertFile, tlsKey: server.certificates.strangerKeyFile };
      for (const certificate of [{}, stranger]) {
        const error = await failureOf({ ...tls, ...certificate, brokers: server.mutualTlsBrokers });
        expect(error.code).toBe('LOG_TLS_FAILED');
        expect(error.message).toContain('--tls-cert');
      }
    });

    it('says when the key is not that of the certificate', async () => {
      const options = { ...tls, ...client(), tlsKey: server.certificates.strangerKeyFile };
      await expect(connect({ ...options, brokers: server.mutualTlsBrokers })).rejects.toThrow('--tls-key=');
    });
  });

  describe('says what the listener wants:', () => {
    it.each([
      ['another authority', () => ({ ...asUser('plain'), tlsCa: server.certificates.strangerCaFile })],
      ['an authority that is not well known', () => ({ tls: true, brokers: server.saslBrokers })],
    ])('%s', async (_, options) => {
      const error = await failureOf(options(), password());
      expect(error.code).toBe('LOG_TLS_FAILED');
      expect(error.message).toContain('--tls-ca');
    });

    it('TLS', async () => {
      const error = await failureOf({ brokers: server.saslBrokers });
      expect(error.code).toBe('LOG_TLS_FAILED');
      expect(error.message).toContain('Give --tls');
    });

    it('no TLS', async () => {
      const error = await failureOf({ ...tls, brokers: server.adminBrokers });
      expect(error.code).toBe('LOG_TLS_FAILED');
      expect(error.message).toContain('Leave out --tls');
    });

    it('a login, and by what', async () => {
      const error = await failureOf({ ...tls, brokers: server.saslBrokers });
      expect(error.code).toBe('LOG_NOT_AUTHENTICATED');
      expect(error.message).toMatch(/a login by .*SCRAM-SHA-512.*--sasl-mechanism/);
    });

    it('no login', async () => {
      const options = { ...asUser('plain'), ...client(), brokers: server.mutualTlsBrokers };
      const error = await failureOf(options, password());
      expect(error.code).toBe('LOG_NOT_AUTHENTICATED');
      expect(error.message).toContain('leave out --sasl-mechanism');
    });
  });

  it("let no secret into the client's own lines", () => {
    expect(lines.length).toBeGreaterThan(100);
    const all = lines.join('\n');
    for (const secret of [server.user.password, 'wrong-4d1c', 'client-secret-9a2e', 'phrase-61', 'Bearer']) {
      for (const form of formsOf(secret)) expect(all).not.toContain(form);
    }
    expect(all).not.toMatch(/eyJ[\w-]+\./);
  });
});

/** A text as it may stand in a line: itself, in hex, and in base64 wherever it begins in a group of three bytes. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from('x'.repeat(shift) + secret)
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  return [secret, Buffer.from(secret).toString('hex'), ...base64];
}
