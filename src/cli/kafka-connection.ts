import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, UsageError } from '../errors.ts';
import type { KafkaConnection, KafkaSasl, KafkaTls } from '../log/kafka/connection.ts';
import { oauthTokenProvider } from '../log/kafka/oauth-token.ts';
import { httpUrl } from './definitions/schemas.ts';
import type { GlobalOptions } from './command.ts';

export type KafkaOptions = Pick<
  GlobalOptions,
  'brokers' | 'tls' | 'tlsCa' | 'tlsCert' | 'tlsKey' | 'saslMechanism' | 'saslUsername'
>;
/** How the brokers' own logs and quotas call this program. */
const CLIENT_ID = 'embedstream';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * From flags and, for secrets, the environment; undefined when no brokers are configured, and then the log is the
 * embedded one. Reads the files that the flags name.
 *
 * @param warn is told what works and is not safe.
 * @throws UsageError when something is missing, contradictory or unreadable.
 */
export async function readKafkaConnection(
  options: KafkaOptions,
  environment: Environment,
  warn: (message: string) => void = () => undefined,
): Promise<KafkaConnection | undefined> {
  const { brokers } = options;
  if (brokers === undefined) return undefined;
  const tls = await readTls(options, environment);
  const sasl = readSasl(options, environment, warn);
  if (tls === undefined && (sasl?.mechanism === 'plain' || sasl?.mechanism === 'oauthbearer')) {
    const what = sasl.mechanism === 'plain' ? 'password' : 'token';
    warn(`the ${what} goes to the brokers unencrypted: use --tls where the network is not your own`);
  }
  return {
    brokers,
    clientId: CLIENT_ID,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

async function readTls(options: KafkaOptions, environment: Environment): Promise<KafkaTls | undefined> {
  const { tlsCa, tlsCert, tlsKey } = options;
  if (!options.tls && tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert !== undefined && tlsKey === undefined) throw new UsageError('--tls-cert needs its key: give --tls-key.');
  if (tlsKey !== undefined && tlsCert === undefined) {
    throw new UsageError('--tls-key needs its certificate: give --tls-cert.');
  }
  const [ca, cert, key] = await Promise.all([
    readPem('--tls-ca', tlsCa),
    readPem('--tls-cert', tlsCert),
    readPem('--tls-key', tlsKey),
  ]);
  const passphrase = valueOf(environment, 'KAFKA_TLS_KEY_PASSPHRASE');
  const tls: KafkaTls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  checkCertificates('--tls-ca', tlsCa, ca);
  checkCertificates('--tls-cert', tlsCert, cert);
  checkKey(tls, tlsKey);
  return tls;
}

async function readPem(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new UsageError(`${flag}=${path} ${isMissing ? 'is not there' : `can't be read: ${messageOf(error)}`}.`, {
      cause: error,
    });
  }
}

/** Node takes a text without any certificate for no authority at all, and says so only when it meets a broker. */
function checkCertificates(flag: string, path: string | undefined, pem: string | undefined): void {
  if (pem === undefined) return;
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new UsageError(`${flag}=${path ?? ''} holds no PEM certificate (${messageOf(error)}).`, { cause: error });
  }
}

function checkKey(tls: KafkaTls, path: string | undefined): void {
  if (path === undefined) return;
  try {
    createSecureContext(tls);
  } catch (error) {
    const passphrase = tls.passphrase === undefined ? 'is not set' : 'is set';
    throw new UsageError(
      `--tls-key=${path} can't be used (${messageOf(error)}). It must be the PEM key of --tls-cert; if it is encrypted, ` +
        `its passphrase must be in KAFKA_TLS_KEY_PASSPHRASE, which ${passphrase}.`,
      { cause: error },
    );
  }
}

function readSasl(
  { saslMechanism: mechanism, saslUsername: username }: KafkaOptions,
  environment: Environment,
  warn: (message: string) => void,
): KafkaSasl | undefined {
  const password = valueOf(environment, 'KAFKA_SASL_PASSWORD');
  if (mechanism === undefined) {
    if (username === undefined) return undefined;
    throw new UsageError('--sasl-username needs --sasl-mechanism: plain, scram-sha-256 or scram-sha-512.');
  }
  if (mechanism === 'oauthbearer') return { mechanism, token: readTokenProvider(environment, warn) };
  if (username === undefined) {
    throw new UsageError(`--sasl-mechanism=${mechanism} needs a user: give --sasl-username (KAFKA_SASL_USERNAME).`);
  }
  if (password === undefined) {
    throw new UsageError(`--sasl-mechanism=${mechanism} needs the password of "${username}" in KAFKA_SASL_PASSWORD.`);
  }
  return { mechanism, username, password };
}

function readTokenProvider(environment: Environment, warn: (message: string) => void): () => Promise<string> {
  const required = (name: string): string => {
    const value = valueOf(environment, name);
    if (value === undefined) throw new UsageError(`--sasl-mechanism=oauthbearer needs ${name} in the environment.`);
    return value;
  };
  const url = required('KAFKA_OAUTH_TOKEN_URL');
  const checked = httpUrl.safeParse(url);
  if (!checked.success) {
    throw new UsageError(`KAFKA_OAUTH_TOKEN_URL ${checked.error.issues[0]?.message ?? 'is not a URL'}.`);
  }
  if (url.startsWith('http:')) warn('KAFKA_OAUTH_CLIENT_SECRET goes to KAFKA_OAUTH_TOKEN_URL unencrypted: use https');
  const scope = valueOf(environment, 'KAFKA_OAUTH_SCOPE');
  return oauthTokenProvider({
    url,
    clientId: required('KAFKA_OAUTH_CLIENT_ID'),
    clientSecret: required('KAFKA_OAUTH_CLIENT_SECRET'),
    ...(scope === undefined ? {} : { scope }),
  });
}

/** An empty variable means "not set", as for flags. */
function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}
