import { expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { parsePostgresAddress, shownAddress } from '../../src/postgres/address.ts';

const DEFAULTS = { port: 5432, sslMode: 'prefer', connectTimeoutMs: 10_000 };

it.each([
  ['postgres://db/museum', {}, { host: 'db', database: 'museum', user: 'postgres' }],
  ['postgres://ann@db:5433/museum', {}, { host: 'db', port: 5433, database: 'museum', user: 'ann' }],
  [
    'postgresql://ann:p%40ss%2Fw@db/my%20museum',
    {},
    { host: 'db', database: 'my museum', user: 'ann', password: 'p@ss/w' },
  ],
  ['postgres://[::1]/museum?user=ann&password=x', {}, { host: '::1', database: 'museum', user: 'ann', password: 'x' }],
  ['postgres:///museum?host=/run/postgresql', {}, { host: '/run/postgresql', database: 'museum', user: 'postgres' }],
  ['postgres://db/museum?application_name=x', { USER: 'me' }, { host: 'db', database: 'museum', user: 'me' }],
  [
    'postgres://',
    {
      PGHOST: 'db',
      PGPORT: '6000',
      PGUSER: 'ann',
      PGPASSWORD: 'x',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca.pem',
    },
    {
      host: 'db',
      port: 6000,
      database: 'ann',
      user: 'ann',
      password: 'x',
      sslMode: 'verify-full',
      sslRootCert: '/ca.pem',
    },
  ],
  [undefined, { PGHOST: '', PGDATABASE: 'museum' }, { host: 'localhost', database: 'museum', user: 'postgres' }],
  [
    'postgres://db/museum?sslmode=require&sslcert=c&sslkey=k&connect_timeout=3',
    { PGSSLMODE: 'disable', PGUSER: 'ann' },
    {
      host: 'db',
      database: 'museum',
      user: 'ann',
      sslMode: 'require',
      sslCert: 'c',
      sslKey: 'k',
      connectTimeoutMs: 3000,
    },
  ],
])('reads %s with %o', (text, environment, expected) => {
  expect(parsePostgresAddress(text, environment)).toEqual({ ...DEFAULTS, ...expected });
});

it.each([
  ['postgres://ann:s3cret@ho st/museum'],
  ['postgres://ann:s3cret%zz@db/museum'],
  ['postgres://ann:s3cret@db/museum?sslmode=s3cret'],
  ['postgres://ann:s3cret@db/museum?port=s3cret'],
  ['postgres://ann:s3cret@db/museum?sslcompression=1'],
])('refuses %s without a part of it in the message', (text) => {
  let message = '';
  try {
    parsePostgresAddress(text, {});
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    message = String(error);
  }
  expect(message).toMatch(/Postgres/);
  expect(message).not.toContain('s3cret');
  expect(message).not.toContain('ann');
});

it('shows neither user nor password', () => {
  expect(shownAddress(parsePostgresAddress('postgres://ann:s3cret@db:5433/museum', {}))).toBe(
    'postgres://db:5433/museum',
  );
  expect(shownAddress(parsePostgresAddress('postgres://ann@[::1]/museum', {}))).toBe('postgres://[::1]/museum');
});
