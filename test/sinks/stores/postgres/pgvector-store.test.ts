import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../../src/errors.ts';
import type { EmbeddingChange, OpenStoreOptions, Store, StorePartition } from '../../../../src/sinks/stores/port.ts';
import { pgvector } from '../../../../src/sinks/stores/postgres/adapter.ts';
import { PostgresProxy } from '../../../postgres/proxy.ts';
import { describeWithService } from '../../../services/index.ts';
import { TestDatabase } from '../../../services/postgres/test-database.ts';

const DIMENSION = 3;
const signal = new AbortController().signal;

function change(
  offset: number,
  id: string,
  vector: readonly number[] | null,
  createdAt = 1_700_000_000_123,
): EmbeddingChange {
  const embedding =
    vector === null ? null : ({ vector: Float32Array.from(vector), createdAt } as EmbeddingChange['embedding']);
  return { offset, id, embedding };
}

describeWithService('postgres', 'a table with pgvector', () => {
  let database: TestDatabase;
  const stores: Store[] = [];
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.sql('create extension vector');
  }, 240_000);
  afterAll(async () => {
    for (const store of stores) await store.close();
    await database.drop();
  });

  const open = async (
    table: string,
    { flags = {}, url = database.url, ...more }: Partial<OpenStoreOptions> & { flags?: object; url?: string } = {},
  ): Promise<Store> => {
    const options = { postgresUrl: url, pgTable: table, ...flags };
    const store = await pgvector.open({
      location: pgvector.locate(options, {}, 'm'),
      ...{ model: 'm', dimension: DIMENSION, similarity: 'cosine', sinkName: `pgvector-${table}` },
      ...{ environment: {}, options, onWarning: () => undefined, clock: Date.now, ...more },
    });
    stores.push(store);
    return store;
  };
  const partitionOf = (store: Store, partition = 0): Promise<StorePartition<EmbeddingChange>> =>
    store.openEmbeddings({ partition, signal, assertOwner: () => Promise.resolve() });
  const write = async (partition: StorePartition<EmbeddingChange>, ...changes: EmbeddingChange[]): Promise<void> => {
    await partition.write(changes);
    await partition.flush();
  };
  const rowsOf = async (table: string): Promise<unknown[]> => {
    const text = `select asset_id as id, embedding::real[] as v from ${table} where model_version = 'm' order by 1`;
    return (await database.sql<{ id: unknown; v: number[] }>(text)).rows.map(({ id, v }) => [id, v]);
  };
  const contentsOf = async (store: Store): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const batch of store.contents()) for (const { id, createdAt } of batch) found.push([id, createdAt]);
    return found.sort();
  };
  const indexesOf = async (table: string): Promise<string[]> =>
    (
      await database.sql<{ indexdef: string }>(
        `select indexdef from pg_indexes where tablename = '${table}' and indexdef like '%hnsw%'`,
      )
    ).rows.map(({ indexdef }) => indexdef);

  it('is made with its key, and with an index when all is in', async () => {
    const store = await open('made');
    expect(await store.prepare('keep')).toBe(true);
    expect(await store.prepare('keep')).toBe(true);
    const partition = await partitionOf(store);
    expect(partition.storedOffset).toBeUndefined();
    await write(partition, change(0, 'a', [1, 2, 3]), change(1, 'b', [4, 5, 6]), change(2, 'a', [-1, 0, 0.5]));
    expect(partition.progress()).toEqual({ faults: [], offset: 3 });
    expect(partition.progress()).toEqual({ faults: [] });
    await write(partition, change(3, 'b', null), change(4, 'never there', null));
    expect(partition.progress().offset).toBe(5);
    expect(await rowsOf('made')).toEqual([['a', [-1, 0, 0.5]]]);
    expect(await contentsOf(store)).toEqual([['a', 1_700_000_000_123]]);
    expect(await indexesOf('made')).toEqual([]);
    await store.complete();
    await store.complete();
    const [index = '', ...others] = await indexesOf('made');
    expect(index).toContain('USING hnsw (embedding vector_cosine_ops)');
    expect(others).toEqual([]);
    expect(store.stats()).toMatchObject({ embeddings: 2, deletions: 2 });
    // Another run goes on.
    const again = await open('made');
    expect(await again.prepare('keep')).toBe(false);
    expect((await partitionOf(again)).storedOffset).toBe(5);
  });

  it.each([
    ['uuid', '2f1c7e66-6a0c-4b8b-9d5e-0a4f5d3c2b1a'],
    ['bigint', '9007199254740993'],
    ['int', '-7'],
    ['smallint', '300'],
    ['varchar(9)', 'nine char'],
  ])('may have keys of type %s', async (type, id) => {
    const table = `keyed_${type.replace(/\W/g, '')}`;
    await database.sql(`create table ${table} (asset_id ${type}, embedding vector, model_version varchar(50),
      created_at timestamptz, updated_at timestamptz, unique (model_version, asset_id))`);
    const store = await open(table);
    await store.prepare('keep');
    const partition = await partitionOf(store);
    await write(partition, change(0, id, [1, 2, 3]), change(1, 'neither of these', null));
    expect(partition.progress().offset).toBe(2);
    expect(await contentsOf(store)).toEqual([[id, 1_700_000_000_123]]);
    expect(partition.check?.(change(2, 'neither of these', [1, 2, 3]))).toMatchObject({
      code: 'PGVECTOR_ID',
      poison: true,
    });
    await write(partition, change(2, id, null));
    expect(await contentsOf(store)).toEqual([]);
  });

  it('holds half-precision numbers above 2,000 dimensions, with an index up to 4,000', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string): void => void warnings.push(message);
    const vector = Array.from({ length: 2_001 }, (_, i) => (i % 7) / 8);
    const store = await open('wide', { dimension: 2_001, similarity: 'dot', onWarning });
    await store.prepare('keep');
    await write(await partitionOf(store), change(0, 'a', vector));
    await store.complete();
    expect(await indexesOf('wide')).toEqual([expect.stringContaining('(embedding halfvec_ip_ops)')]);
    const { rows } = await database.sql<{ v: number[] }>('select embedding::vector::real[] as v from wide');
    expect(rows[0]?.v).toEqual(vector);
    const wider = await open('wider', { dimension: 4_001, onWarning });
    await wider.prepare('keep');
    await wider.complete();
    expect(await indexesOf('wider')).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/HNSW takes 4000 dimensions/)]);
  });

  it('gets no index where none is wanted, or another is there', async () => {
    const none = await open('unindexed', { flags: { pgIndex: 'none' } });
    await none.prepare('keep');
    await none.complete();
    expect(await indexesOf('unindexed')).toEqual([]);
    const other = await open('indexed');
    await other.prepare('keep');
    await database.sql('create index mine on indexed using hnsw (embedding vector_l1_ops)');
    await other.complete();
    expect(await indexesOf('indexed')).toHaveLength(1);
  });

  describe('when it is filled anew', () => {
    it('serves what it has, and keeps nothing that no record has', async () => {
      const store = await open('rebuilt');
      await store.prepare('keep');
      await write(await partitionOf(store), change(0, 'gone', [1, 1, 1]), change(1, 'stays', [1, 2, 3]));
      await database.sql(
        `insert into rebuilt select asset_id, embedding, 'another model', created_at, updated_at from rebuilt`,
      );
      await store.complete();
      expect(await store.prepare('rebuild')).toBe(true);
      expect(await indexesOf('rebuilt')).toEqual([]);
      const partition = await partitionOf(store);
      expect(partition.storedOffset).toBeUndefined();
      await write(partition, change(1, 'stays', [1, 2, 3]), change(2, 'new', [0, 0, 1]));
      expect(await contentsOf(store)).toHaveLength(3);
      // Whoever goes on after a crash completes it.
      const next = await open('rebuilt');
      expect(await next.prepare('resume')).toBe(false);
      expect((await partitionOf(next)).storedOffset).toBe(3);
      await next.complete();
      expect(await rowsOf('rebuilt')).toEqual([
        ['new', [0, 0, 1]],
        ['stays', [1, 2, 3]],
      ]);
      expect(await indexesOf('rebuilt')).toHaveLength(1);
      const { rowCount } = await database.sql(`select 1 from rebuilt where model_version = 'another model'`);
      expect(rowCount).toBe(2);
    });

    it('begins at the start when somebody has dropped it', async () => {
      const store = await open('dropped');
      await store.prepare('keep');
      await write(await partitionOf(store), change(0, 'a', [1, 2, 3]));
      await database.sql('drop table dropped');
      const next = await open('dropped');
      expect(await contentsOf(next)).toEqual([]);
      expect(await next.prepare('keep')).toBe(true);
      expect((await partitionOf(next)).storedOffset).toBeUndefined();
    });

    it('goes back to where a replay begins', async () => {
      const store = await open('rewound');
      await store.prepare('keep');
      await write(await partitionOf(store, 0), change(7, 'a', [1, 2, 3]));
      await write(await partitionOf(store, 1), change(3, 'b', [1, 2, 3]));
      await store.rewind?.(
        new Map([
          [0, 5],
          [1, 9],
        ]),
      );
      expect((await partitionOf(store, 0)).storedOffset).toBe(5);
      expect((await partitionOf(store, 1)).storedOffset).toBe(4);
    });
  });

  describe('has one writer a partition', () => {
    it('and refuses the one before, whatever it still has', async () => {
      const store = await open('fenced');
      await store.prepare('keep');
      const zombie = await partitionOf(store);
      await write(zombie, change(0, 'a', [1, 1, 1]));
      await zombie.write([change(1, 'a', [9, 9, 9])]);
      const owner = await partitionOf(store);
      expect(owner.storedOffset).toBe(1);
      await write(owner, change(1, 'a', [2, 2, 2]));
      await expect(zombie.flush()).rejects.toMatchObject({ code: 'LOG_FENCED', retriable: false });
      expect(await rowsOf('fenced')).toEqual([['a', [2, 2, 2]]]);
      expect(zombie.progress().offset).toBe(1);
    });

    it('and ends the transaction in which one before is frozen', async () => {
      const store = await open('frozen');
      await store.prepare('keep');
      await write(await partitionOf(store), change(0, 'a', [1, 1, 1]));
      // What a process that was stopped in a transaction leaves behind.
      const frozen = await TestDatabase.connect(database.url);
      await frozen.query('begin');
      const lock = `embedstream public."embedstream_offsets" pgvector-frozen`;
      await frozen.query('select pg_advisory_xact_lock(hashtext($1), 0)', [lock]);
      await frozen.query(
        `update embedstream_offsets set next_offset = 99 where sink = 'pgvector-frozen' and partition_number = 0`,
      );
      const owner = await partitionOf(store);
      expect(owner.storedOffset).toBe(1);
      await expect(frozen.query('commit')).rejects.toThrow();
      await frozen.end().catch(() => undefined);
    });

    it('which writes once what was committed although its answer got lost', async () => {
      const proxy = await PostgresProxy.start(database.url);
      const warnings: string[] = [];
      const store = await open('answered', { url: proxy.url, onWarning: (message) => warnings.push(message) });
      await store.prepare('keep');
      // A second writing would show.
      await database.sql(`create table written (id text);
        create function note() returns trigger language plpgsql as $$ begin insert into written values (new.asset_id); return new; end $$;
        create trigger note after insert or update on answered for each row execute function note()`);
      const partition = await partitionOf(store);
      proxy.cutAtCommit = 1;
      await write(partition, change(0, 'a', [1, 2, 3]));
      expect(warnings).toEqual([expect.stringMatching(/can't be reached/)]);
      expect(partition.progress().offset).toBe(1);
      expect((await database.sql('select 1 from written')).rowCount).toBe(1);
      await store.close();
      await proxy.close();
    });
  });

  it('takes many rows in several transactions, the last version of each', async () => {
    const store = await open('many');
    await store.prepare('keep');
    const partition = await partitionOf(store);
    const count = 45_000;
    for (let from = 0; from < count; from += 1_000)
      await partition.write(
        Array.from({ length: 1_000 }, (_, i) => change(from + i, `id ${(from + i) % 30_000}`, [from + i, 0, 1])),
      );
    const before = partition.progress().offset ?? 0;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count);
    await partition.flush();
    expect(partition.progress().offset).toBe(count);
    const { rows } = await database.sql<{ n: string; sum: string }>(
      `select count(*) as n, sum((embedding::real[])[1]::int8) as sum from many`,
    );
    // 0 to 14,999 were written over by 30,000 to 44,999.
    expect(rows).toEqual([{ n: '30000', sum: String((15_000 + 44_999) * 15_000) }]);
  });

  it.each<[string, string, Partial<OpenStoreOptions>, RegExp]>([
    [
      'another dimension',
      'create table t1 (asset_id text, embedding vector(4), model_version text, created_at timestamptz, updated_at timestamptz)',
      {},
      /vectors of 4 dimensions.*another --pg-table/,
    ],
    [
      'no key',
      'create table t2 (asset_id text, embedding vector(3), model_version text, created_at timestamptz, updated_at timestamptz)',
      {},
      /alter table t2 add unique \("asset_id", "model_version"\)/,
    ],
    ['a column that is missing', 'create table t3 (id text)', {}, /no column "asset_id".*--pg-columns=id=COLUMN/],
    ['a column of another type', 'create table t4 (asset_id date)', {}, /"asset_id" as date/],
    ['a view', 'create view t5 as select 1', {}, /is no table/],
    ['too many dimensions', 'select 1', { dimension: 16_001 }, /pgvector takes 16000/],
  ])('refuses %s', async (_, sql, more, message) => {
    await database.sql(sql);
    const table = /(?:table|view) (t\d)/.exec(sql)?.[1] ?? 't0';
    const store = await open(table, more);
    const refused = store.prepare('keep');
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
  });

  it('says what the server says', async () => {
    const refused = (await open('nowhere.t')).prepare('keep');
    await expect(refused).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      retriable: false,
      message: expect.stringContaining('schema "nowhere" does not exist') as string,
    });
  });

  it('says what to run where pgvector is missing', async () => {
    const bare = await TestDatabase.create();
    const store = await open('t', { url: bare.url });
    await expect(store.prepare('keep')).rejects.toThrow(
      new RegExp(`${bare.name} has no pgvector.*create extension vector;`),
    );
    await store.close();
    await bare.drop();
  });
});
