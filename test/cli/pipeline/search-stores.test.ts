import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBucket } from '../../sinks/s3/test-bucket.ts';
import { newAlias, PlainClient } from '../../sinks/stores/elasticsearch/server.ts';
import { describeWithService, elasticsearchUrl, s3Environment, s3Server } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';
import { describeWithLanceDb } from '../../sinks/stores/lancedb/installed.ts';
import { openPlain } from '../../sinks/stores/lancedb/plain-table.ts';
import { HASHED, numbers, onlyJson, Place, TINY_BERT } from './runner.ts';

const ROWS = 600;
const WORDS = ['dragon', 'bronze', 'silk', 'jade', 'vessel', 'mask', 'harp', 'coin', 'lion', 'ship', 'tower', 'rose'];
const QUERIES = ['bronze dragon', 'a silk mask', 'lion and tower', 'the rose of jade', 'ship coin'];
const LIMIT = 10;

/** Five words of twelve, others for each row. */
function textOf(i: number): string {
  return numbers(0, 5)
    .map((j) => WORDS[(i * (j * 2 + 3) + Math.floor(i / (j + 2))) % WORDS.length] ?? '')
    .concat(`piece${i}`)
    .join(' ');
}

/** A log with changed texts and deletions behind it, in a place that several tests search. */
async function embeddedPlace(model: string): Promise<Place> {
  const place = new Place();
  const rows = (from: number, to: number, add = ''): (string | number)[][] =>
    numbers(from, to).map((i) => [`d${i}`, textOf(i) + (i % 7 === 0 ? add : ''), 1900 + (i % 100)]);
  const embed = ['embed', '--source=documents.csv', '--sink=parquet', model, '--prune', '--yes'];
  place.writeRows('documents.csv', rows(0, ROWS));
  await place.done(...embed);
  place.writeRows('documents.csv', rows(30, ROWS, ' changed'));
  await place.done(...embed);
  return place;
}

type Matches = readonly { readonly id: string; readonly score: number }[];

const scores = (matches: Matches): number[] => matches.map(({ score }) => score);

/** The part of the exact matches that an index finds; one that is as near as the last counts as well. */
async function recall(place: Place, flags: readonly string[], model = HASHED): Promise<number> {
  let hits = 0;
  for (const query of QUERIES) {
    const search = ['search', query, model, `--limit=${LIMIT}`];
    const exact = await place.done(...search);
    const { matches } = await place.done(...search, ...flags);
    expect(matches).toHaveLength(LIMIT);
    const last = scores(exact.matches).at(-1) ?? 0;
    hits += scores(matches).filter((score) => score >= last - 1e-5).length;
  }
  return hits / (LIMIT * QUERIES.length);
}

/** Where the index found all of them, they stand in the same order with the same scores. */
async function expectSame(place: Place, flags: readonly string[], query: string): Promise<void> {
  const search = ['search', query, HASHED, '--limit=5'];
  const exact = await place.done(...search);
  const inFiles = await place.done(...search, '--backend=parquet');
  expect(inFiles.matches).toEqual(exact.matches);
  const { matches } = await place.done(...search, ...flags);
  expect(matches.map(({ id }) => id)).toEqual(exact.matches.map(({ id }) => id));
  for (const [i, score] of scores(matches).entries()) expect(score).toBeCloseTo(exact.matches[i]?.score ?? NaN, 5);
}

describe('search of stores', { timeout: 240_000 }, () => {
  let place: Place;
  beforeAll(async () => {
    place = await embeddedPlace(HASHED);
  }, 120_000);
  afterAll(() => place.dispose());

  describeWithService('elasticsearch', 'in Elasticsearch', () => {
    const alias = newAlias();
    let server: PlainClient;
    let flags: string[];
    beforeAll(async () => {
      server = new PlainClient(await elasticsearchUrl());
      const where = [`--es-url=${server.url}`, `--es-index=${alias}`];
      await place.done('sink', 'elasticsearch', HASHED, ...where);
      flags = ['--backend=elasticsearch', ...where];
    }, 240_000);
    afterAll(() => server.removeAll(alias));

    it('finds what the log finds, with its scores', async () => {
      await expectSame(place, flags, 'piece77 bronze dragon');
      await expectSame(place, flags, 'piece301 silk');
    });

    it('finds nearly all of the nearest by its approximate index', async () => {
      expect(await recall(place, flags)).toBeGreaterThanOrEqual(0.95);
    });

    it('does not find deleted records, nor embeddings of another version of the model', async () => {
      const { matches } = await place.done('search', textOf(3), HASHED, '--limit=600', ...flags);
      expect(matches).toHaveLength(ROWS - 30);
      expect(matches.filter(({ id }) => Number(id.slice(1)) < 30)).toEqual([]);
      // In the index, under another fingerprint.
      await server.ask('POST', `/${alias}/_update/d77?refresh=true`, {
        doc: { embedded: { 'hashed-384': { fingerprint: '0'.repeat(64) } } },
      });
      const [first] = (await place.done('search', textOf(77), HASHED, ...flags)).matches;
      expect(first?.id).not.toBe('d77');
    });

    it('ranks by the words, too, where that is asked for', async () => {
      // One text alone holds the word, and by its vector another is nearer.
      const word = await place.done('search', 'piece412', HASHED, '--hybrid', '--limit=3', ...flags);
      expect(word.matches.map(({ id }) => id)).toContain('d412');
      // First in both rankings.
      const [first] = (await place.done('search', textOf(412), HASHED, '--hybrid', ...flags)).matches;
      expect(first?.id).toBe('d412');
      expect(first?.score).toBeCloseTo(2 / 61, 9);
    });

    it('says what is not there', async () => {
      const missing = await place.json('search', 'x', HASHED, ...flags, '--es-index=nothing-here');
      expect(missing).toMatchObject({ code: 1, json: { error: { code: 'SEARCH_NOTHING_EMBEDDED' } } });
      const other = await place.json('search', 'x', `--model=${TINY_BERT}`, ...flags);
      expect(other).toMatchObject({ code: 1, json: { error: { code: 'SEARCH_NOTHING_EMBEDDED' } } });
      const deep = await place.json('search', 'x', HASHED, '--limit=5000', ...flags);
      expect(deep).toMatchObject({ code: 2 });
    });
  });

  describeWithService('postgres', 'in pgvector', () => {
    let database: TestDatabase;
    let flags: string[];
    beforeAll(async () => {
      database = await TestDatabase.create();
      await database.sql('create extension vector');
      const where = [`--postgres-url=${database.url}`, '--pg-table=things', '--pg-columns=id=sku'];
      await place.done('sink', 'pgvector', HASHED, ...where);
      flags = ['--backend=pgvector', ...where];
    }, 240_000);
    afterAll(() => database.drop());

    it('finds what the log finds, with its scores', async () => {
      await expectSame(place, flags, 'piece77 bronze dragon');
    });

    it('finds nearly all of the nearest by its approximate index, beside rows of another model', async () => {
      // Twice as many that are no answer, and nearer to every query than any.
      await database.sql(
        `insert into things select sku || '-' || n, embedding, 'another', now(), now() from things, generate_series(1, 2) n`,
      );
      await database.sql('analyze things');
      expect(await recall(place, flags)).toBeGreaterThanOrEqual(0.95);
    });

    it('says what it can not do, and what is not there', async () => {
      const hybrid = await place.json('search', 'x', HASHED, '--hybrid', ...flags);
      expect(hybrid.code).toBe(2);
      const empty = await place.json('search', 'x', HASHED, ...flags, '--pg-table=nothing_here');
      expect(empty).toMatchObject({ code: 1, json: { error: { code: 'SEARCH_NOTHING_EMBEDDED' } } });
    });
  });

  describeWithLanceDb('in LanceDB', () => {
    let flags: string[];
    beforeAll(async () => {
      const where = `--lancedb-uri=${place.path('lance')}`;
      await place.done('sink', 'lancedb', HASHED, where);
      flags = ['--backend=lancedb', where];
    }, 240_000);

    it('finds what the log finds, with its scores, texts and metadata, and no other version of the model', async () => {
      await expectSame(place, flags, 'piece77 bronze dragon');
      const search = ['search', textOf(77), HASHED, '--limit=1'];
      const [exact] = (await place.done(...search)).matches;
      const [found] = (await place.done(...search, ...flags)).matches;
      expect({ ...found, score: exact?.score }).toEqual(exact);
      const table = await openPlain(place.path('lance'), 'hashed-384');
      await table?.update({ where: "id = 'd77'", valuesSql: { fingerprint: `'${'0'.repeat(64)}'` } });
      const [other] = (await place.done(...search, ...flags)).matches;
      expect(other?.id).not.toBe('d77');
    });

    it('says what is not there', async () => {
      const other = await place.json('search', 'x', `--model=${TINY_BERT}`, ...flags);
      expect(other).toMatchObject({ code: 1, json: { error: { code: 'SEARCH_NOTHING_EMBEDDED' } } });
    });
  });

  describeWithService('s3', 'in Parquet files of a bucket', () => {
    it('finds what the log finds', async () => {
      const server = await s3Server();
      const bucket = await TestBucket.create(server);
      const environment = { ...s3Environment(server) };
      const json = async (...args: string[]): Promise<unknown> => {
        const { code, stdout, stderr } = await place.start([...args, '--json'], { environment }).ended;
        expect({ code, stderr }).toMatchObject({ code: 0 });
        return onlyJson(stdout);
      };
      try {
        const out = `--out=${bucket.url}/vectors`;
        await json('sink', 'parquet', HASHED, out, '--shard-rows=300');
        const search = ['search', 'piece77 bronze dragon', HASHED];
        const { compared, matches } = await place.done(...search);
        expect(await json(...search, '--backend=parquet', out)).toMatchObject({ compared, matches });
      } finally {
        bucket.close();
      }
    }, 240_000);
  });
});
