import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, TINY_BERT, type Place } from './runner.ts';

interface Found {
  readonly id: string;
  readonly score: number;
  readonly text?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const QUERY = ['search', 'a dragon of number 7', HASHED];

async function found(place: Place, ...args: string[]): Promise<readonly Found[]> {
  return (await place.done(...QUERY, '--limit=6', ...args)).matches;
}

/** Embedded in two runs: some texts changed, some deleted, some new; in shards that don't end with the runs. */
async function changed(): Promise<Place> {
  const place = newPlace();
  const embed = ['embed', '--source=documents.csv', '--sink=parquet', '--shard-rows=15', HASHED];
  place.writeRows(
    'documents.csv',
    numbers(0, 40).map((i) => documentRow(i)),
  );
  await place.done(...embed);
  place.writeRows(
    'documents.csv',
    numbers(8, 50).map((i) => documentRow(i, i % 5 === 0 ? `Another text of number ${i}` : undefined)),
  );
  await place.done(...embed, '--prune', '--yes');
  return place;
}

describe('search --backend=parquet', () => {
  it('finds what the log finds: the latest of each id, and nothing that was deleted', async () => {
    const place = await changed();
    const all = ['--limit=100'];
    const onLog = await place.done(...QUERY, ...all);
    expect(onLog.compared).toBe(42);
    expect(onLog.matches.map(({ id }) => id).sort()).toEqual(
      numbers(8, 50)
        .map((i) => `d${i}`)
        .sort(),
    );
    const inFiles = await place.done(...QUERY, ...all, '--backend=parquet');
    expect(inFiles).toEqual({ ...onLog, backend: 'parquet' });
    const [first] = await found(place, '--backend=parquet');
    expect(first).toMatchObject({
      text: expect.stringContaining('number') as string,
      metadata: { year: expect.stringMatching(/^19/) as string },
    });
  });

  it('needs no log, takes the folder itself, a snapshot or a file, and says what it does not take', async () => {
    const place = await changed();
    const onLog = await found(place);
    const { sunk } = await place.done('sink', 'parquet', '--snapshot', '--out=clean', HASHED);
    cpSync(place.path('data', 'parquet', 'hashed-384'), place.path('elsewhere'), { recursive: true });
    renameSync(place.path('.embedstream'), place.path('no-log'));
    for (const out of ['elsewhere', sunk[0]?.out ?? '', 'data'])
      expect(await found(place, '--backend=parquet', `--out=${out}`), out).toEqual(onLog);
    const [shard = ''] = readdirSync(place.path('elsewhere')).filter((name) => name.endsWith('.parquet'));
    const one = await place.done(...QUERY, '--backend=parquet', `--out=elsewhere/${shard}`);
    expect(one.compared).toBe(15);

    const none = await place.json('search', 'x', '--backend=parquet', '--out=nowhere', HASHED);
    expect(none).toMatchObject({
      code: 2,
      json: { error: { message: expect.stringContaining('run "sink parquet" first') as string } },
    });
    const other = await place.json('search', 'x', `--model=${TINY_BERT}`, '--backend=parquet', '--out=elsewhere');
    expect(other.code).toBe(2);
    expect(other.json.error?.message).toContain('holds embeddings of hashed-384, not of tiny-bert');
  });

  it('leaves out what another version of the model has made, as the log does', async () => {
    const place = newPlace();
    cpSync(TINY_BERT, place.path('tiny-bert'), { recursive: true });
    place.writeRows(
      'documents.csv',
      numbers(0, 3).map((i) => documentRow(i)),
    );
    await place.done('embed', '--source=documents.csv', '--sink=parquet', '--model=./tiny-bert');
    const search = ['search', 'dragons', '--model=./tiny-bert'];
    expect((await place.done(...search, '--backend=parquet')).compared).toBe(3);
    for (const backend of ['log', 'parquet']) {
      const { code, json } = await place.json(...search, '--document-prefix=other: ', `--backend=${backend}`);
      expect({ backend, code, json }).toMatchObject({ code: 1, json: { error: { code: 'SEARCH_NOTHING_EMBEDDED' } } });
    }
  });
});

it('finds imported vectors of a model that runs here, on the log and in files', async () => {
  const from = await changed();
  const place = newPlace();
  cpSync(from.path('data', 'parquet'), place.path('brought'), { recursive: true });
  await place.done('import', 'brought', HASHED);
  await place.done('sink', 'parquet', HASHED);
  rmSync(place.path('brought'), { recursive: true });
  const wanted = (await found(from)).map(({ id }) => id);
  for (const backend of ['log', 'parquet'])
    expect((await found(place, `--backend=${backend}`)).map(({ id }) => id)).toEqual(wanted);
});

it('says what is missing, or too much, in a query', async () => {
  const place = newPlace();
  const image = place.write('note.txt', 'no image');
  for (const [args, message] of [
    [['search', HASHED], 'Say what to look for'],
    [['search', HASHED, '--hybrid', 'x'], '--hybrid is for --backend=elasticsearch'],
    [['search', HASHED, 'x', `--image=${image}`], 'two queries'],
    [['search', HASHED, '--image=gone.png'], "--image=gone.png can't be read"],
    [['search', HASHED, `--image=${image}`], 'no image that can be used'],
  ] as const) {
    const { code, json } = await place.json(...args);
    expect({ args, code, message: json.error?.message }).toMatchObject({ code: 2 });
    expect(json.error?.message).toContain(message);
  }
});
