import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { parsePostgresAddress } from '../../src/postgres/address.ts';
import { connectPostgres } from '../../src/postgres/connect.ts';
import { describeWithService, type OwnServer, restartablePostgres } from '../services/index.ts';
import { PASSWORD_ROLE } from '../services/postgres/service.ts';
import { type Certificates, makeCertificates } from '../services/secured/certificates.ts';
import { PostgresProxy } from './proxy.ts';

const PASSWORD = 'pass-7c1e';

describeWithService('own-postgres', 'a connection to Postgres', () => {
  let server: OwnServer<string>;
  let folder: string;
  let certificates: Certificates;
  let proxy: PostgresProxy;
  beforeAll(async () => {
    server = await restartablePostgres();
    folder = mkdtempSync(join(tmpdir(), 'embedstream-pg-'));
    certificates = await makeCertificates(folder);
    proxy = await PostgresProxy.start(server.address, {
      tls: {
        cert: readFileSync(join(folder, 'broker.pem'), 'utf8'),
        key: readFileSync(join(folder, 'broker.key'), 'utf8'),
      },
    });
    const client = await connectPostgres(parsePostgresAddress(server.address, {}));
    await client.query(`create role ${PASSWORD_ROLE} login password '${PASSWORD}'`);
    await client.end();
  }, 240_000);
  afterAll(async () => {
    await proxy.close();
    await server.remove();
    rmSync(folder, { recursive: true });
  });

  const ask = async (url: string, environment: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const client = await connectPostgres(parsePostgresAddress(url, environment));
    try {
      return (await client.query<{ who: string }>('select current_user as who')).rows[0]?.who;
    } finally {
      await client.end();
    }
  };
  const failure = async (...args: Parameters<typeof ask>): Promise<Error> =>
    ask(...args).then(
      () => expect.fail('it connects'),
      (error: unknown) => error as Error,
    );

  it('takes user and password from the environment', async () => {
    const PG = { PGUSER: PASSWORD_ROLE, PGPASSWORD: PASSWORD, PGDATABASE: 'postgres' };
    expect(await ask(server.address.replace('postgres@', '').replace('/postgres', ''), PG)).toBe(PASSWORD_ROLE);
  });

  it.each<[string, (url: string) => string, Record<string, string>, RegExp]>([
    [
      'a wrong password',
      (url) => url,
      { PGPASSWORD: 'wrong-5a2d' },
      /lets "with_password" not in: password authentication failed/,
    ],
    ['no password', (url) => url, {}, /asks for a password: put it into PGPASSWORD/],
    [
      'a database that is not there',
      (url) => url.replace('/postgres', '/nowhere'),
      { PGPASSWORD: PASSWORD },
      /"nowhere" does not exist/,
    ],
    ['a host that is not there', (url) => url.replace('127.0.0.1', 'nowhere.invalid'), {}, /no host nowhere\.invalid/],
  ])('refuses %s without telling it', async (_, change, environment, message) => {
    const url = new URL(server.address);
    url.username = PASSWORD_ROLE;
    const error = await failure(change(url.href), { ...environment, PGPASSFILE: join(folder, 'none') });
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/wrong-5a2d|pass-7c1e/);
  });

  it('calls a server that is away a fault that passes', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => gone.once('listening', resolve));
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    expect(await failure(`postgres://127.0.0.1:${port}/postgres`)).toMatchObject({
      code: 'POSTGRES_UNAVAILABLE',
      retriable: true,
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('gives up a server that does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    expect(await failure(`postgres://127.0.0.1:${port}/postgres?connect_timeout=1`)).toMatchObject({
      code: 'POSTGRES_UNAVAILABLE',
    });
    silent.close();
  });

  describe('with TLS', () => {
    const by = (query: string): string => `${proxy.url}?${query.replace('CA', certificates.caFile)}`;

    it.each([
      ['sslmode=require', 1],
      ['sslmode=prefer', 1],
      ['', 1],
      ['sslmode=disable', 0],
      ['sslmode=verify-ca&sslrootcert=CA', 1],
      ['sslmode=verify-full&sslrootcert=CA', 1],
    ])('connects by %s', async (query, encrypted) => {
      const before = proxy.encrypted;
      expect(await ask(by(query))).toBe('postgres');
      expect(proxy.encrypted - before).toBe(encrypted);
    });

    it('takes mode and authority from the environment', async () => {
      const environment = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: certificates.caFile };
      expect(await ask(proxy.url, environment)).toBe('postgres');
      expect(await failure(proxy.url, { ...environment, PGSSLROOTCERT: certificates.strangerCaFile })).toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('certificate is not trusted') as string,
      });
    });

    it('trusts no authority that is not named, and no other name', async () => {
      for (const mode of ['verify-ca', 'verify-full'])
        expect(await failure(by(`sslmode=${mode}`))).toBeInstanceOf(UsageError);
      // The certificate names no host.
      const elsewhere = await PostgresProxy.start(server.address, {
        tls: {
          cert: readFileSync(certificates.clientCertFile, 'utf8'),
          key: readFileSync(certificates.clientKeyFile, 'utf8'),
        },
      });
      const query = `sslrootcert=${certificates.caFile}`;
      expect(await ask(`${elsewhere.url}?sslmode=verify-ca&${query}`)).toBe('postgres');
      expect((await failure(`${elsewhere.url}?sslmode=verify-full&${query}`)).message).toMatch(
        /certificate is not trusted/,
      );
      await elsewhere.close();
    });

    it('does without it where the server has none, unless it is required', async () => {
      expect(await ask(`${server.address}?sslmode=prefer`)).toBe('postgres');
      expect((await failure(`${server.address}?sslmode=require`)).message).toMatch(
        /has no TLS, which sslmode=require wants/,
      );
    });

    it('names a certificate file that is not there', async () => {
      expect((await failure(by('sslmode=verify-full&sslrootcert=/nowhere.pem'))).message).toMatch(
        /sslrootcert names \/nowhere/,
      );
    });
  });
});
