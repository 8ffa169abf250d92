import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import type { Source } from '../../../src/producers/port.ts';
import { openPostgres, type PostgresSourceOptions } from '../../../src/producers/postgres/postgres-source.ts';
import type { PublishOptions } from '../../../src/producers/publish-options.ts';
import { publish } from '../../../src/producers/publisher.ts';
import { allRecords, CLOCK, codec, latestValues, topics } from '../../pipeline-fixtures.ts';
import { clipImages } from '../../models/model-folders.ts';
import { PostgresProxy } from '../../postgres/proxy.ts';
import { describeWithService } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';
import { readAll } from '../csv/csv-fixture.ts';

const AT_ONCE = { maxFailures: 3, backoff: { baseMs: 1, capMs: 1 }, random: Math.random };

describeWithService('postgres', 'Postgres as a source', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.sql(`
      create table assets (id int primary key, title text, client text, price numeric(8,2));
      insert into assets select n, 'chair ' || n, case when n % 2 = 0 then 'X' when n % 5 = 0 then null else 'Y' end, n * 1.5
        from generate_series(1, 20) n`);
  }, 240_000);
  afterAll(() => database.drop());

  const open = (options: PostgresSourceOptions, url = database.url): Promise<Source> =>
    openPostgres(url, { environment: {}, readAgain: AT_ONCE, ...options });

  describe('finds out by itself', () => {
    it('the columns of a table, its primary key and its text, and names itself without credentials', async () => {
      const source = await open({ table: 'assets' }, database.url.replace('postgres@', 'postgres:s3cret@'));
      const { port } = new URL(database.url);
      expect(source.name).toBe(`127.0.0.1-${port}-${database.name}-assets`);
      expect(source.location).toBe(`postgres://127.0.0.1:${port}/${database.name}/assets`);
      expect(source.description).toMatchObject({
        format: 'Postgres table',
        columns: '4',
        id: 'id (primary key)',
        text: 'title (by their names)',
        metadata: 'all others',
      });
      const { items, faults } = await readAll(source);
      expect(faults).toEqual([]);
      expect(items).toHaveLength(20);
      expect(items[2]).toMatchObject({ line: 3, id: '3', text: 'chair 3', metadata: { client: 'Y', price: 4.5 } });
    });

    it('a query with comments and a semicolon, whose id and text are given, without running it before', async () => {
      await database.sql('create sequence runs');
      const query = `select nextval('runs') as run, id, title from assets -- all\n;`;
      // It would write.
      await expect(readAll(await open({ query, id: 'id', text: 'title' }))).rejects.toThrow(/read-only transaction/);
      const source = await open({ query: 'select id, title from assets order by id limit 2 -- two\n;' });
      expect(source.name).toMatch(/-query-[0-9a-f]{8}$/);
      expect((await readAll(source)).order).toEqual(['1', '2']);
    });

    it('a table by its name as SQL has it, as it is written, or with its schema', async () => {
      await database.sql('create schema other; create table other."My Assets" (id text primary key, title text)');
      await database.sql(`insert into other."My Assets" values ('a', 'A')`);
      for (const table of ['other.My Assets', 'other."My Assets"'])
        expect((await readAll(await open({ table }))).order).toEqual(['a']);
      expect((await readAll(await open({ table: 'ASSETS', name: 'a' }))).order).toHaveLength(20);
    });

    it('the columns of a table without rows', async () => {
      await database.sql('create table nothing (id int primary key, title text)');
      expect((await readAll(await open({ table: 'nothing' }))).order).toEqual([]);
      await expect(open({ table: 'nothing', id: 'it' })).rejects.toThrow(/no field "it"/);
    });
  });

  it('makes values of all types as JSON would have them', async () => {
    await database.sql(`
      create type mood as enum ('glad', 'sad');
      create domain label as text;
      create table typed (
        id uuid primary key, title text, big bigint, small smallint, exact numeric, price numeric(6,2), ratio float8,
        flag boolean, at timestamptz, local timestamp, day date, tags text[], counts int[], feelings mood[], feeling mood,
        doc jsonb, raw json, code char(5), blob bytea, nothing text, name label, took interval);
      set timezone = 'America/New_York';
      insert into typed values (
        '2f1c7e66-6a0c-4b8b-9d5e-0a4f5d3c2b1a', 'a "quoted" title', 9007199254740993, 7, 12345678901234567890.5, 12.50, 0.1,
        true, '2024-01-02 03:04:05.678+00', '2024-01-02 03:04:05', '2024-01-02', '{a,"b, c",NULL}', '{1,2}', '{glad}', 'sad',
        '{"maker": {"name": "Ann"}, "n": 12345678901234567890}', '[1, 2]', 'ab', '\\x00ff', null, 'named', '1 day 2 hours')`);
    const source = await open({ table: 'typed', text: '{title} ({tags}) {price}' });
    expect(source.description['left out']).toBe('blob (bytea)');
    const { items } = await readAll(source);
    expect(items[0]?.id).toBe('2f1c7e66-6a0c-4b8b-9d5e-0a4f5d3c2b1a');
    expect(items[0]?.text).toBe('a "quoted" title (a, b, c) 12.50');
    expect(items[0]?.metadata).toEqual({
      big: 9007199254740993n,
      small: 7,
      exact: '12345678901234567890.5',
      ratio: 0.1,
      flag: true,
      at: '2024-01-02T03:04:05.678Z',
      local: '2024-01-02T03:04:05',
      day: '2024-01-02',
      counts: '[1,2]',
      feelings: '["glad"]',
      feeling: 'sad',
      'doc.maker.name': 'Ann',
      'doc.n': '12345678901234567890',
      raw: '[1,2]',
      code: 'ab',
      nothing: null,
      name: 'named',
      took: 'P1DT2H',
    });
    const nested = await open({ table: 'typed', id: 'doc.maker.name', text: 'title', metadata: 'doc.maker.name' });
    expect((await readAll(nested)).items[0]).toMatchObject({ id: 'Ann', metadata: { 'doc.maker.name': 'Ann' } });
  });

  it.each<[string[], number[]]>([
    [['client=X'], [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]],
    [
      ["client = 'Y'", 'id!=1'],
      [3, 7, 9, 11, 13, 17, 19],
    ],
    [['client='], [5, 15]],
    [['client!=X', 'price=4.50'], [3]],
    [["client=X' or true --"], []],
  ])('filters on the server by %j', async (where, ids) => {
    const source = await open({ table: 'assets', where });
    expect(source.isFiltered).toBe(true);
    expect((await readAll(source)).order).toEqual(ids.map(String));
  });

  it.each<[string, PostgresSourceOptions, RegExp]>([
    ['neither table nor query', {}, /either --table=NAME or --query/],
    ['a table that is not there', { table: 'asets' }, /no table or view "asets".*There are: assets/],
    ['what is no name', { table: 'assets; drop table assets' }, /no table or view/],
    ['SQL that is wrong', { query: 'selec 1' }, /refuses the query: syntax error at or near "1" \(SQLSTATE 42601\)/],
    [
      'two statements',
      { query: 'select 1 as id) as q; drop table assets; select (1' },
      /syntax error|cannot insert multiple/,
    ],
    ['a query that writes', { query: 'delete from assets returning id' }, /refuses the query: syntax error/],
    ['two columns of one name', { query: 'select id, id from assets' }, /two columns are named "id"/],
    ['an id that is not there', { table: 'assets', id: 'ID' }, /no field "ID".*Did you mean "id"/],
    ['a text that is not there', { table: 'assets', text: '{titel}' }, /no column "titel".*Did you mean "title"/],
    ['metadata that are not there', { table: 'assets', metadata: 'cliemt' }, /no column "cliemt"/],
    ['a value of another type', { table: 'assets', where: ['id=first'] }, /invalid input syntax for type integer/],
    ['a filter on nothing', { table: 'assets', where: ['colour=red'] }, /no column "colour"/],
  ])('refuses %s', async (_, options, message) => {
    const refused = open(options).then((source) => readAll(source));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
  });

  describe('is published', () => {
    const publishFrom = async (
      log: ReturnType<typeof createMemoryLog>,
      options: PostgresSourceOptions,
      more: Partial<PublishOptions> = {},
      url?: string,
    ) =>
      publish({
        source: await open({ name: 'assets', ...options }, url),
        log,
        codec,
        topics,
        partitions: 1,
        clock: CLOCK,
        ...more,
      });

    it('with a limit that counts behind what is there already', async () => {
      const log = createMemoryLog();
      const created: number[] = [];
      for (let run = 0; run < 4; run++)
        created.push((await publishFrom(log, { table: 'assets' }, { limit: 8 })).created);
      expect(created).toEqual([8, 8, 4, 0]);
    });

    it('changed rows again and vanished ones deleted, but nothing vanishes by a filter', async () => {
      await database.sql('create table moving as select * from assets; alter table moving add primary key (id)');
      const log = createMemoryLog();
      await publishFrom(log, { table: 'moving' });
      await database.sql(`update moving set title = 'sofa' where id = 7; delete from moving where id = 9`);
      const filtered = await publishFrom(log, { table: 'moving', where: ['client=X'] });
      expect(filtered).toMatchObject({ read: 10, unchanged: 10, vanished: 0 });
      const next = await publishFrom(log, { table: 'moving' }, { prune: true });
      expect(next).toMatchObject({ read: 19, changed: 1, unchanged: 18, pruned: 1, vanished: 0 });
      expect((await latestValues(log, topics.records)).has('9')).toBe(false);
    });

    it('with dead letters that stay the same wherever their rows stand', async () => {
      await database.sql(`create table faulty (id text, title text);
        insert into faulty values ('a', 'A'), (null, 'no id'), ('b', ''), ('a', 'A again')`);
      const log = createMemoryLog();
      const options = { table: 'faulty', id: 'id', text: 'title' };
      const first = await publishFrom(log, options);
      expect(first).toMatchObject({ read: 4, created: 1, deadLettered: 3, newDeadLetters: 3 });
      expect(first.deadLettersByReason).toEqual({ POSTGRES_MISSING_ID: 1, POSTGRES_NO_TEXT: 1, DUPLICATE_ID: 1 });
      const [letter] = await allRecords(log, topics.deadLetters);
      expect(JSON.parse(Buffer.from(letter?.value ?? []).toString())).toEqual({ id: null, title: 'no id' });
      // The first rows move behind the others.
      await database.sql(`update faulty set title = title where title in ('no id', '')`);
      const again = await publishFrom(log, options);
      expect(again).toMatchObject({ read: 4, unchanged: 1, deadLettered: 3, newDeadLetters: 0 });
    });

    it('once, when the connection breaks in the middle', async () => {
      await database.sql(`create table many as select n as id, 'chair ' || n || repeat(' wide', 100) as title
        from generate_series(1, 20000) n`);
      const proxy = await PostgresProxy.start(database.url);
      const warnings: string[] = [];
      try {
        const source = await open(
          { table: 'many', id: 'id', text: 'title', name: 'many', onWarning: (message) => warnings.push(message) },
          proxy.url,
        );
        proxy.cutAfter = [1_000_000, 3_000_000];
        const log = createMemoryLog();
        const report = await publish({ source, log, codec, topics, partitions: 1, clock: CLOCK, prune: true });
        expect(report).toMatchObject({ read: 20_000, created: 20_000, deadLettered: 0, vanished: 0, complete: true });
        expect(await allRecords(log, topics.records)).toHaveLength(20_000);
        expect(warnings).toHaveLength(2);
        expect(warnings[0]).toMatch(/^postgres:\/\/127\.0\.0\.1:\d+\/test_\w+ can't be reached: .*Reading again in/);
      } finally {
        await proxy.close();
      }
    });

    it('no further, when it always breaks at the same place', async () => {
      const proxy = await PostgresProxy.start(database.url);
      try {
        const source = await open({ table: 'many', id: 'id', text: 'title', name: 'many' }, proxy.url);
        proxy.cutAfter = Array.from({ length: 10 }, () => 1_000_000);
        const log = createMemoryLog();
        const publishing = publish({ source, log, codec, topics, partitions: 1, clock: CLOCK });
        await expect(publishing).rejects.toMatchObject({ code: 'POSTGRES_UNAVAILABLE', retriable: true });
        // What came through is there, and the next run goes on behind it.
        const before = (await allRecords(log, topics.records)).length;
        expect(before).toBeGreaterThan(0);
        const next = await publishFrom(log, { table: 'many', id: 'id', text: 'title', name: 'many' });
        expect(next).toMatchObject({ read: 20_000, unchanged: before, created: 20_000 - before });
      } finally {
        await proxy.close();
      }
    });
  });

  it('brings images that rows hold as bytea, or refer to by URL', async () => {
    const jpeg = readFileSync(join(clipImages, 'wide.jpg'));
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/there.jpg' ? 200 : 404;
      response.end(request.url === '/there.jpg' ? jpeg : 'no');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await database.sql('create table pictures (id int primary key, title text, thumb bytea, url text)');
      await database.sql('insert into pictures values (1, $1, $2, $3), (2, $4, $5, $6), (3, $7, null, null)', [
        ...['wide', jpeg, `${base}/there.jpg`],
        ...['none', Buffer.from('no image'), `${base}/gone.jpg`],
        'words alone',
      ]);
      const images = async (options: PostgresSourceOptions): Promise<unknown> => {
        const found: Record<string, unknown> = {};
        for await (const { items } of (await open({ table: 'pictures', text: 'title', ...options })).read())
          for (const item of items)
            if (item.kind === 'fault')
              found[item.code] = (JSON.parse(Buffer.from(item.raw).toString()) as { id: 1 }).id;
            else
              found[item.id] = [
                item.image && Buffer.compare(item.image.bytes ?? Buffer.alloc(0), jpeg) === 0,
                [...item.metadata.keys()],
              ];
        return found;
      };
      expect(await images({ image: 'thumb' })).toEqual({
        1: [true, ['url']],
        3: [undefined, ['url']],
        IMAGE_FORMAT_UNKNOWN: 2,
      });
      expect(await images({ imageUrl: 'url', allowPrivateHosts: true })).toEqual({
        1: [true, ['url']],
        3: [undefined, ['url']],
        URL_REFUSED: 2,
      });
      expect(await images({ image: 'thumb', maxInlineBytes: 100 })).toMatchObject({ IMAGE_TOO_MANY_BYTES: 1 });
      await expect(open({ table: 'pictures', text: 'thumb' })).rejects.toThrow(/"thumb" is bytea/);
    } finally {
      server.close();
    }
  });

  it('holds no more than some rows in memory, however large they are', async () => {
    const query = `select n as id, repeat(md5(n::text), 30000) as title from generate_series(1, 500) n`;
    const source = await open({ query, id: 'id', text: 'title' });
    let rows = 0;
    let most = 0;
    for await (const { items } of source.read()) {
      most = Math.max(most, items.length);
      rows += items.length;
      // A reader that is slower than the server.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rows).toBe(500);
    // 4 MiB of rows of 960 kB, and what was on its way.
    expect(most).toBeLessThan(8);
  }, 60_000);

  it('ends at once when it is stopped while the server thinks', async () => {
    const stop = new AbortController();
    const query = 'select 1 as id, pg_sleep(60)::text as title';
    const source = await open({ query, id: 'id', text: 'title', signal: stop.signal });
    const reading = readAll(source);
    const isAsleep = async (): Promise<boolean> =>
      (
        await database.sql(
          `select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`,
        )
      ).rowCount === 1;
    while (!(await isAsleep()));
    stop.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
  });
});
