import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService, type OwnServer, restartablePostgres } from '../index.ts';
import { PASSWORD_ROLE } from './service.ts';

describeWithService('own-postgres', 'a Postgres of the test’s own', () => {
  let server: OwnServer<string>;
  beforeAll(async () => {
    server = await restartablePostgres();
  }, 240_000);
  afterAll(async () => {
    await server.remove();
  });
  const ask = async (sql: string, connectionString = server.address): Promise<unknown[]> => {
    const client = new Client({ connectionString });
    // Of a connection that a kill has ended.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };

  it('has pgvector, and its data after a kill', async () => {
    await ask("create table kept as select '[1,2]'::vector as v");
    const { address } = server;
    await server.kill();
    await expect(ask('select 1')).rejects.toThrow();
    await server.start();
    expect(server.address).toBe(address);
    expect(await ask("select v <-> '[1,3]' as distance from kept")).toEqual([{ distance: 1 }]);
  }, 60_000);

  it('asks one role for its password', async () => {
    await ask(`create role ${PASSWORD_ROLE} login password 'pass-7c1e'`);
    const as = (password: string): string => server.address.replace('postgres@', `${PASSWORD_ROLE}:${password}@`);
    expect(await ask('select 1 as one', as('pass-7c1e'))).toEqual([{ one: 1 }]);
    await expect(ask('select 1', as('wrong'))).rejects.toThrow('password authentication failed');
  });
});
