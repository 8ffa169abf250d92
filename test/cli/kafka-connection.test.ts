import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommandLine } from '../command-lines.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { readKafkaConnection, type KafkaOptions } from '../../src/cli/kafka-connection.ts';
import { globalFlags } from '../../src/cli/definitions/global.ts';
import { kafkaSecrets } from '../../src/cli/definitions/kafka.ts';
import { commands } from '../../src/cli/definitions/index.ts';
import { commandHelp, overviewHelp } from '../../src/cli/help.ts';
import { UsageError } from '../../src/errors.ts';

type Environment = Readonly<Record<string, string>>;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-kafka-connection-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const read = (options: Partial<KafkaOptions>, environment: Environment = {}, warn?: (message: string) => void) =>
  readKafkaConnection({ tls: false, brokers: ['b:9092'], ...options }, environment, warn);

async function faultOf(options: Partial<KafkaOptions>, environment: Environment = {}): Promise<string> {
  const error: unknown = await read(options, environment).catch((each: unknown) => each);
  if (!(error instanceof UsageError)) throw new Error('it was not refused', { cause: error });
  return error.message;
}

describe('the flags', () => {
  it('come from the names that Kafka users know, after our own', () => {
    const environment = {
      KAFKA_BROKERS: 'one:9092, two:9093,one:9092',
      SCHEMA_REGISTRY_URL: 'https://registry:8081',
      KAFKA_TLS: '1',
      KAFKA_SASL_MECHANISM: 'plain',
      EMBEDSTREAM_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'alice',
    };
    const { problems, options } = parseCommandLine(['status', '--sasl-username=bob'], environment);
    expect(problems).toEqual([]);
    expect(options).toMatchObject({
      brokers: ['one:9092', 'two:9093'],
      schemaRegistry: 'https://registry:8081',
      tls: true,
      saslMechanism: 'scram-sha-512',
      saslUsername: 'bob',
      sessionTimeout: 15,
      transactionTimeout: 45,
    });
    expect(options).not.toHaveProperty('replicationFactor');
  });

  it.each([
    ['--brokers=kafka', 'must be HOST:PORT, e.g.'],
    ['--brokers=kafka:0', 'must be HOST:PORT'],
    ['--brokers=kafka:65536', 'must be HOST:PORT'],
    ['--brokers=good:9092,bad host:1', 'must be HOST:PORT'],
    ['--brokers=SASL_SSL://kafka:9092', 'without a protocol'],
    ['--brokers=[::1]:9092', 'IPv6'],
    ['--brokers=::1:9092', 'IPv6'],
    ['--brokers=,', 'at least one broker'],
    ['--schema-registry=registry:8081', 'http'],
    ['--sasl-mechanism=gssapi', 'scram-sha-256'],
  ])('%s is refused: %s', (flag, says) => {
    const { problems } = parseCommandLine(['status', flag]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(says);
  });

  it('say where a secret belongs that is not theirs', () => {
    const { faults } = parseArguments(['--sasl-password=hunter2', '--oauth-client-secret=hunter2'], globalFlags);
    expect(faults.map(({ where, mend }) => `${where}: ${mend ?? ''}`)).toEqual([
      '--sasl-password: it comes from the environment only: KAFKA_SASL_PASSWORD',
      '--oauth-client-secret: it comes from the environment only: KAFKA_OAUTH_CLIENT_SECRET',
    ]);
  });

  it('take no password in a URL, and do not repeat it', () => {
    const { problems } = parseCommandLine(['status', '--schema-registry=https://alice:hunter2@registry']);
    expect(problems[0]).toContain('environment');
    expect(problems.join()).not.toContain('hunter2');
  });
});

describe('--help', () => {
  const [command] = commands;

  it('lists what is about Kafka, and the secrets, once', () => {
    const help = overviewHelp(commands, globalFlags, kafkaSecrets, 'npx', 100);
    expect(help).toContain('\nKafka\n  --brokers=HOST:PORT,…');
    expect(help).toContain('(environment: KAFKA_TLS)');
    expect(help).toContain('KAFKA_SASL_PASSWORD');
    const own = command === undefined ? '' : commandHelp(command, globalFlags, 'npx', 100);
    expect(own).toContain('Kafka: --brokers=HOST:PORT,… and more, see npx embedstream --help');
    expect(own).not.toContain('--sasl-mechanism');
  });
});

describe('readKafkaConnection', () => {
  it('is undefined without brokers, whatever else is set', async () => {
    const options = { tls: true, saslMechanism: 'plain', saslUsername: 'alice' } as const;
    await expect(readKafkaConnection(options, {})).resolves.toBeUndefined();
  });

  it('says no more than was said', async () => {
    await expect(read({})).resolves.toEqual({ brokers: ['b:9092'], clientId: 'embedstream' });
    await expect(read({ tls: true })).resolves.toMatchObject({ tls: {} });
  });

  it('takes the password from the environment', async () => {
    const options = { tls: true, saslMechanism: 'scram-sha-256', saslUsername: 'alice' } as const;
    const sasl = { mechanism: 'scram-sha-256', username: 'alice', password: 'pa55word' };
    await expect(read(options, { KAFKA_SASL_PASSWORD: 'pa55word' })).resolves.toMatchObject({ sasl });
  });

  it('says what is missing', async () => {
    const plain = { saslMechanism: 'plain', saslUsername: 'alice' } as const;
    expect(await faultOf(plain, { KAFKA_SASL_PASSWORD: '' })).toContain('"alice" in KAFKA_SASL_PASSWORD');
    expect(await faultOf({ saslMechanism: 'plain' })).toContain('--sasl-username');
    expect(await faultOf({ saslUsername: 'alice' })).toContain('--sasl-mechanism');
    expect(await faultOf({ saslMechanism: 'oauthbearer' })).toContain('KAFKA_OAUTH_TOKEN_URL');
    const url = { KAFKA_OAUTH_TOKEN_URL: 'https://issuer/token' };
    expect(await faultOf({ saslMechanism: 'oauthbearer' }, url)).toContain('KAFKA_OAUTH_CLIENT_ID');
    expect(await faultOf({ tlsCert: 'c.pem' })).toContain('--tls-key');
    expect(await faultOf({ tlsKey: 'c.key' })).toContain('--tls-cert');
  });

  it('refuses a token server that is no URL, without repeating what may be a secret', async () => {
    for (const url of ['issuer', 'https://alice:hunter2@issuer/token']) {
      const fault = await faultOf({ saslMechanism: 'oauthbearer' }, { KAFKA_OAUTH_TOKEN_URL: url });
      expect(fault).toContain('KAFKA_OAUTH_TOKEN_URL');
      expect(fault).not.toContain('hunter2');
    }
  });

  it('names the file that is missing, or is no certificate', async () => {
    const path = join(folder, 'ca.pem');
    expect(await faultOf({ tlsCa: path })).toBe(`--tls-ca=${path} is not there.`);
    writeFileSync(path, 'not a certificate');
    expect(await faultOf({ tlsCa: path })).toContain(`--tls-ca=${path} holds no PEM certificate`);
  });

  it('warns of what goes over the network in the clear', async () => {
    const warnings: string[] = [];
    const warn = (message: string): unknown => warnings.push(message);
    const password = { KAFKA_SASL_PASSWORD: 'pa55word' };
    await read({ saslMechanism: 'plain', saslUsername: 'alice' }, password, warn);
    expect(warnings).toEqual([expect.stringContaining('password goes to the brokers unencrypted')]);
    await read({ saslMechanism: 'scram-sha-512', saslUsername: 'alice' }, password, warn);
    await read({ saslMechanism: 'plain', saslUsername: 'alice', tls: true }, password, warn);
    expect(warnings).toHaveLength(1);
    const oauth = {
      KAFKA_OAUTH_TOKEN_URL: 'http://issuer/token',
      KAFKA_OAUTH_CLIENT_ID: 'id',
      KAFKA_OAUTH_CLIENT_SECRET: 'pa55word',
    };
    await read({ saslMechanism: 'oauthbearer', tls: true }, oauth, warn);
    expect(warnings[1]).toContain('KAFKA_OAUTH_CLIENT_SECRET');
    expect(warnings.join()).not.toContain('pa55word');
  });
});
