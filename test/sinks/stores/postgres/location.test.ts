import { expect, it } from 'vitest';
import { UsageError } from '../../../../src/errors.ts';
import { addressOf, locateTable, parseLocation } from '../../../../src/sinks/stores/postgres/location.ts';

const URL_OF = 'postgres://ann:s3cret@db:5433/shop';

it('is one line without who asks, and is understood again', () => {
  const columns = ['id=sku', 'embedding=the vector'];
  const location = locateTable({ postgresUrl: URL_OF, pgTable: 'other.My Table', pgColumns: columns }, {});
  expect(location).toBe('postgres://db:5433/shop?table=other.My+Table&id=sku&embedding=the+vector');
  expect(parseLocation(location)).toEqual({
    ...{ host: 'db', port: 5433, database: 'shop', table: 'other.My Table' },
    columns: {
      id: 'sku',
      embedding: 'the vector',
      model: 'model_version',
      created: 'created_at',
      updated: 'updated_at',
    },
  });
});

it('comes from the environment where no URL is given, and from nothing else', () => {
  expect(locateTable({}, { PGHOST: '::1', PGUSER: 'ann', PGDATABASE: 'my shop' })).toBe(
    'postgres://[::1]/my%20shop?table=product_embeddings',
  );
  expect(parseLocation('postgres://[::1]/my%20shop?table=t')).toMatchObject({ host: '::1', database: 'my shop' });
  expect(() => locateTable({}, {})).toThrow(/Say which Postgres: --postgres-url=postgres:\/\/host\/database /);
});

it.each([
  { pgColumns: ['id'] },
  { pgColumns: ['ids=sku'] },
  { pgColumns: ['id='] },
  { pgColumns: ['id=embedding'] },
  { pgTable: 'a.b.c' },
  { pgTable: 'a.' },
  { pgTable: 'x'.repeat(64) },
])('refuses %o', (options) => {
  expect(() => locateTable({ postgresUrl: URL_OF, ...options }, {})).toThrow(UsageError);
});

it('is asked with the credentials that are meant for it', () => {
  const location = parseLocation('postgres://db:5433/shop?table=t');
  const environment = { PGUSER: 'bob', PGPASSWORD: 'other' };
  expect(addressOf(location, { postgresUrl: URL_OF }, environment)).toMatchObject({ user: 'ann', password: 's3cret' });
  const elsewhere = { postgresUrl: URL_OF.replace('5433', '5434') };
  expect(addressOf(location, elsewhere, environment)).toMatchObject({
    ...{ host: 'db', port: 5433, database: 'shop', user: 'bob', password: 'other' },
  });
});
