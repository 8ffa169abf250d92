import { readFile } from 'node:fs/promises';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { Client, type ClientConfig, Pool } from 'pg';
import { messageOf, UsageError } from '../errors.ts';
import type { PostgresAddress } from './address.ts';
import { connectError } from './server-errors.ts';

const APPLICATION = 'embedstream';
const IDLE_MS = 30_000;
/** What the client says when the server answers a request for TLS with no. */
const NO_TLS = 'The server does not support SSL connections';

/**
 * A connection of its own. Rejects with a `UsageError` for what the user must change (password, database, certificate),
 * otherwise with a retriable error. The caller ends it.
 */
export async function connectPostgres(address: PostgresAddress): Promise<Client> {
  const ssl = await tlsOptions(address);
  try {
    return await connectWith(address, ssl);
  } catch (error) {
    if (address.sslMode === 'prefer' && messageOf(error) === NO_TLS) return connectWithout(address);
    throw connectError(error, address);
  }
}

/**
 * Connections that are made when they are needed and used again, `max` of them. Connects once, to find out whether the
 * server speaks TLS. Rejects as `connectPostgres` does; the caller ends it.
 */
export async function openPool(address: PostgresAddress, max: number): Promise<Pool> {
  const probe = await connectPostgres(address);
  const isEncrypted = 'encrypted' in probe.connection.stream;
  await probe.end();
  const ssl = isEncrypted ? await tlsOptions(address) : false;
  const pool = new Pool({ ...clientConfig(address, ssl), max, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true });
  // As of a client: of those that wait the pool hears, of those that are in use only they themselves.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function connectWithout(address: PostgresAddress): Promise<Client> {
  try {
    return await connectWith(address, false);
  } catch (error) {
    throw connectError(error, address);
  }
}

async function connectWith(address: PostgresAddress, ssl: ConnectionOptions | false): Promise<Client> {
  const client = new Client(clientConfig(address, ssl));
  // A connection that breaks while nothing is asked is met by the next request.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    // Its socket may be open still. What goes wrong with that is of no interest any more.
    void client.end().catch(() => undefined);
    throw error;
  }
}

/** All is said, so that the client looks into no variable by itself. */
function clientConfig(address: PostgresAddress, ssl: ConnectionOptions | false): ClientConfig {
  const { host, port, database, user, password, connectTimeoutMs } = address;
  return {
    ...{ host, port, database, user, ssl },
    ...(password !== undefined && { password }),
    application_name: APPLICATION,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
}

/** As libpq: `prefer` and `require` encrypt without asking who answers, unless a root certificate is named. */
async function tlsOptions(address: PostgresAddress): Promise<ConnectionOptions | false> {
  const { sslMode, sslRootCert, sslCert, sslKey, host } = address;
  if (sslMode === 'disable') return false;
  const files = {
    // `system` is libpq's word for the certificates that the system trusts: Node's default.
    ...(sslRootCert !== undefined && sslRootCert !== 'system' && { ca: await pem('sslrootcert', sslRootCert) }),
    ...(sslCert !== undefined && { cert: await pem('sslcert', sslCert) }),
    ...(sslKey !== undefined && { key: await pem('sslkey', sslKey) }),
  };
  if (sslMode === 'verify-full')
    return { ...files, checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) };
  if (sslMode === 'verify-ca' || (sslMode === 'require' && sslRootCert !== undefined))
    return { ...files, checkServerIdentity: () => undefined };
  return { ...files, rejectUnauthorized: false };
}

async function pem(parameter: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`Postgres: ${parameter} names ${path}, which can't be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
