import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { containerWay } from '../containers/way.ts';
import { asOrdinaryUser, giveToOrdinaryUser } from '../ordinary-user.ts';
import { freePorts } from '../ports.ts';
import { logFileOf, spawnServer } from '../server-process.ts';
import type { Service, Way } from '../service.ts';
import { missingForPostgres, postgresPrograms } from './distribution.ts';

const run = promisify(execFile);
const USER = 'postgres';
const ASK_TIMEOUT_MS = 5000;
/** A role of this name must give its password; nobody else is asked. */
export const PASSWORD_ROLE = 'with_password';

export const postgresLaunched: Way<string> = {
  name: 'launcher',
  keepsData: true,
  missing: missingForPostgres,
  fetch: async () => {
    await postgresPrograms();
  },
  async launch(folder, wanted) {
    const programs = await postgresPrograms();
    const data = await initialised(programs, folder);
    const ports = await freePorts(1, wanted);
    const [port = 0] = ports;
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      shared_buffers: '64MB',
      max_connections: 60,
      logging_collector: 'off',
    };
    const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const server = asOrdinaryUser({ command: join(programs, 'postgres'), args });
    return {
      address: `postgres://${USER}@127.0.0.1:${port}/postgres`,
      ports,
      process: spawnServer({ folder, ...server }),
      logFile: logFileOf(folder),
    };
  },
};

/** The data folder, made where it is not there yet. */
async function initialised(programs: string, folder: string): Promise<string> {
  const data = join(folder, 'data');
  if (existsSync(join(data, 'PG_VERSION'))) return data;
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  giveToOrdinaryUser(data);
  const options = ['-U', USER, '-A', 'trust', '--no-sync', '--encoding=UTF8', '--locale=C'];
  const { command, args } = asOrdinaryUser({ command: join(programs, 'initdb'), args: ['-D', data, ...options] });
  await run(command, args);
  const who = `host all ${PASSWORD_ROLE} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n`;
  writeFileSync(join(data, 'pg_hba.conf'), who);
  return data;
}

const postgresInContainer: Way<string> = containerWay(1, ([port = 0]) => ({
  image: 'pgvector/pgvector:pg16',
  env: { POSTGRES_HOST_AUTH_METHOD: 'trust' },
  ports: { 5432: port },
  address: `postgres://${USER}@127.0.0.1:${port}/postgres`,
}));

/** Postgres with pgvector; its address is a connection string of a user who may make databases. */
export const postgres: Service<string> = {
  name: 'postgres',
  variable: 'POSTGRES_URL',
  usualPorts: [5432],
  ways: [postgresInContainer, postgresLaunched],
  exported: (url) => `POSTGRES_URL=${url}`,
  fromEnvironment: (value) => value,
  async ask(connectionString) {
    const client = new Client({ connectionString, connectionTimeoutMillis: ASK_TIMEOUT_MS });
    // What goes wrong while nothing is asked.
    client.on('error', () => undefined);
    try {
      await client.connect();
      // What a person is told to run next needs it; tests make databases of their own without it.
      await client.query('create extension if not exists vector');
    } finally {
      await client.end();
    }
  },
};
