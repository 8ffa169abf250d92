import { appendFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from './runner.ts';
import type { Place } from './runner.ts';

const SINK = ['sink', 'parquet', HASHED];

async function embedded(): Promise<Place> {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 12).map((i) => documentRow(i)),
  );
  await place.done('embed', '--source=documents.csv', '--sink=parquet', '--shard-rows=5', HASHED);
  return place;
}

function shards(place: Place): string[] {
  return place.files('data', 'parquet', 'hashed-384').filter((name) => name.endsWith('.parquet'));
}

it('another folder gets everything again, and the first one stays as it is', async () => {
  const place = await embedded();
  const elsewhere = await place.done(...SINK, '--out=elsewhere');
  expect(elsewhere.sunk).toMatchObject([{ embeddings: 12, out: place.path('elsewhere', 'parquet', 'hashed-384') }]);
  expect(await place.rows('elsewhere', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect((await place.done(...SINK, '--out=elsewhere')).sunk).toMatchObject([{ embeddings: 0 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0, sinks: [{ live: 12 }, { live: 12 }] });
});

it('says where it looked when nothing on the log is embedded', async () => {
  const place = await embedded();
  const said = /Nothing on this log is embedded with hashed-384: are --data-dir/;
  expect((await place.run(...SINK)).stderr).not.toMatch(said);
  const elsewhere = await place.run(...SINK, '--data-dir=nothing', '--out=elsewhere');
  expect(elsewhere.code).toBe(0);
  expect(elsewhere.stderr).toMatch(said);
});

it('an output that is no more can be left out of reconcile', async () => {
  const place = await embedded();
  await place.done(...SINK, '--out=elsewhere');
  rmSync(place.path('elsewhere'), { recursive: true });
  expect(await place.json('reconcile')).toMatchObject({ code: 1, json: { sinks: [{ live: 12 }, { live: 0 }] } });
  for (const named of ['parquet-hashed-384', 'parquet-hashed-384,no']) {
    const { code, json } = await place.json('reconcile', `--sink=${named}`);
    if (named.endsWith(',no')) expect({ code, json }).toMatchObject({ code: 2, json: { error: { code: 'USAGE' } } });
    else expect({ code, json }).toMatchObject({ code: 0, json: { differences: 0, sinks: [{ live: 12 }] } });
  }
  expect(await place.json('reconcile', '--sink=parquet')).toMatchObject({ code: 1, json: { sinks: [{}, {}] } });
});

it('one folder written in two ways is one folder', async () => {
  const place = await embedded();
  for (const out of ['./data', place.path('data'), 'data/'])
    expect((await place.done(...SINK, `--out=${out}`)).sunk).toMatchObject([{ embeddings: 0 }]);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
});

it('a sink of a given name is refused another folder, and a folder another sink', async () => {
  const place = await embedded();
  const sink = [...SINK, '--sink-name=mine'];
  await place.done(...sink, '--out=first');
  for (const command of [sink, ['replay', '--sink=parquet', HASHED, '--sink-name=mine']]) {
    const refused = await place.run(...command, '--out=second');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`writes to ${place.path('first', 'parquet', 'hashed-384')}`);
    expect(refused.stderr).toMatch(/--sink-name/);
  }
  expect(await place.rows('first', 'parquet', 'hashed-384')).toHaveLength(12);

  const second = await place.run(...SINK, '--sink-name=second');
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(/data\/parquet\/hashed-384 holds 3 shards .*not of the sink "second".*--out/);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a folder that holds the shards of another log is refused', async () => {
  const place = await embedded();
  rmSync(place.path('.embedstream'), { recursive: true });
  place.writeRows(
    'documents.csv',
    numbers(0, 9).map((i) => documentRow(i)),
  );
  const refused = await place.run('embed', '--source=documents.csv', '--sink=parquet', HASHED);
  expect(refused.stderr).toMatch(/data\/parquet\/hashed-384 .*not of the sink/);
  expect(refused.code).toBe(2);
  rmSync(place.path('data'), { recursive: true });
  await place.done('embed', '--source=documents.csv', '--sink=parquet', HASHED);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(9);
});

it('replay rebuilds an output whose folder is gone, with the same names', async () => {
  const place = await embedded();
  const before = shards(place);
  expect(before).toHaveLength(3);
  rmSync(place.path('data'), { recursive: true });
  expect((await place.json('reconcile')).code).toBe(1);
  const replayed = await place.done('replay', '--sink=parquet', HASHED, '--shard-rows=5');
  expect(replayed).toMatchObject({ processed: [], sunk: [{ embeddings: 12 }] });
  expect(shards(place)).toEqual(before);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a lost shard is reported by reconcile and sink, and what they advise mends it', async () => {
  const place = await embedded();
  const lost = shards(place)[1]!;
  renameSync(place.path('data', 'parquet', 'hashed-384', lost), place.path('away'));
  const reconciled = await place.run('reconcile');
  expect(reconciled.code).toBe(1);
  expect(reconciled.stdout).toMatch(/shard-missing/);
  expect(reconciled.stdout).toContain(lost);
  expect(reconciled.stdout).toMatch(/"reconcile --repair"/);
  const refused = await place.run(...SINK);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(lost);
  expect(refused.stderr).toMatch(/Run "replay"/);
  await place.done('replay', '--sink=parquet', HASHED);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('reconcile --repair writes again from the first damaged or lost shard on, in each output, and keeps those before', async () => {
  const place = await embedded();
  await place.done('sink', 'npy', HASHED, '--shard-rows=5');
  const folder = place.path('data', 'parquet', 'hashed-384');
  const [kept = '', lost = ''] = shards(place);
  const { mtimeMs } = statSync(join(folder, kept));
  rmSync(join(folder, lost));
  const npy = place.files('data', 'npy', 'hashed-384').find((name) => name.endsWith('.npy')) ?? '';
  appendFileSync(place.path('data', 'npy', 'hashed-384', npy), 'x');
  const found = await place.run('reconcile');
  expect([found.code, found.stdout]).toEqual([1, expect.stringMatching(/shard-damaged[^]*shard-missing/)]);
  const repaired = await place.done('reconcile', '--repair');
  const names = { repaired: ['npy-hashed-384', 'parquet-hashed-384'] };
  expect(repaired).toMatchObject({ differences: 0, sinks: [{ live: 12 }, { live: 12 }], ...names });
  expect(shards(place)[0]).toBe(kept);
  expect(statSync(join(folder, kept)).mtimeMs).toBe(mtimeMs);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.done('reconcile', '--repair')).toMatchObject({ differences: 0, repaired: [] });
});

it('embed counts its own outputs, and reconcile all of them', async () => {
  const place = await embedded();
  place.writeRows(
    'documents.csv',
    numbers(0, 14).map((i) => documentRow(i)),
  );
  // That of Parquet waits for a run of its own.
  await place.done('embed', '--source=documents.csv', '--sink=npy', HASHED);
  const { code, json } = await place.json('reconcile');
  expect({ code, json }).toMatchObject({ code: 1, json: { differences: 2 } });
});
