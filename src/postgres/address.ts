import { UsageError } from '../errors.ts';

/** libpq's, but `allow`, which is `prefer` the other way round. */
export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Where a database is and how to get in. Holds a secret: only `shownAddress` may be printed. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Left out: the server may not ask for one, or `~/.pgpass` has it. */
  readonly password?: string;
  readonly sslMode: SslMode;
  /** PEM files. */
  readonly sslRootCert?: string;
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly connectTimeoutMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 5432;
const DEFAULT_TIMEOUT_S = 10;

/** Parameters of a connection string, and the variables that say the same. */
const VARIABLES = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;
type Parameter = keyof typeof VARIABLES;

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text);
}

/**
 * Reads a connection string (`postgres://user@host:port/database?sslmode=verify-full`); what it leaves out comes from the
 * environment's `PG…` variables, as libpq has them. Throws a `UsageError`, which never holds a part of the string.
 *
 * @param text left out: the environment says all
 */
export function parsePostgresAddress(text: string | undefined, environment: Environment): PostgresAddress {
  const given = text === undefined ? {} : parametersOf(text);
  // What is set to nothing is not set.
  const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
  const value = (name: Parameter): string | undefined => given[name] ?? filled(environment[VARIABLES[name]]);
  const user = value('user') ?? filled(environment['USER']) ?? 'postgres';
  const [password, sslRootCert, sslCert, sslKey] = [
    value('password'),
    value('sslrootcert'),
    value('sslcert'),
    value('sslkey'),
  ];
  return {
    host: value('host') ?? 'localhost',
    port: wholeNumber('port', value('port') ?? String(DEFAULT_PORT), 65_535),
    database: value('dbname') ?? user,
    user,
    ...(password !== undefined && { password }),
    sslMode: sslModeOf(value('sslmode') ?? 'prefer'),
    ...(sslRootCert !== undefined && { sslRootCert }),
    ...(sslCert !== undefined && { sslCert }),
    ...(sslKey !== undefined && { sslKey }),
    connectTimeoutMs:
      wholeNumber('connect_timeout', value('connect_timeout') ?? String(DEFAULT_TIMEOUT_S), 3600) * 1000,
  };
}

/** For messages: neither user nor password. */
export function shownAddress({ host, port, database }: PostgresAddress): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `postgres://${place}${port === DEFAULT_PORT ? '' : `:${port}`}/${encodeURIComponent(database)}`;
}

function parametersOf(text: string): Partial<Record<Parameter, string>> {
  if (!URL.canParse(text))
    throw new UsageError(
      'The connection string of Postgres is no URL: write postgres://host:port/database, with user and password in PGUSER ' +
        'and PGPASSWORD, or before an @ with special characters percent-encoded.',
    );
  const url = new URL(text);
  const found: Partial<Record<Parameter, string>> = {};
  const take = (name: Parameter, value: string): void => {
    if (value !== '') found[name] = value;
  };
  take('host', decoded(url.hostname.replace(/^\[(.*)\]$/, '$1')));
  take('port', url.port);
  take('dbname', decoded(url.pathname.slice(1)));
  take('user', decoded(url.username));
  take('password', decoded(url.password));
  for (const [name, value] of url.searchParams) {
    // Tell what the client is, or what this one does anyway.
    if (name === 'application_name' || name === 'target_session_attrs') continue;
    if (!Object.hasOwn(VARIABLES, name))
      throw new UsageError(
        `The connection string of Postgres has a parameter "${name}", which is not known. Known are: ${Object.keys(VARIABLES).join(', ')}.`,
      );
    take(name as Parameter, value);
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new UsageError(
      'The connection string of Postgres has a % that is no percent-encoding: write %25 for the character.',
      // The cause of a URIError holds nothing of the text.
      { cause: error },
    );
  }
}

function wholeNumber(name: Parameter, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`Postgres: ${name} (or ${VARIABLES[name]}) must be a whole number from 1 to ${most}.`);
}

function sslModeOf(text: string): SslMode {
  if (text === 'allow') return 'prefer';
  const mode = SSL_MODES.find((each) => each === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`Postgres: sslmode (or PGSSLMODE) must be one of ${SSL_MODES.join(', ')}.`);
}
