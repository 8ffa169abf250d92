import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from './runner.ts';

const PRODUCE = ['produce', '--source=documents.csv'];

it('publishes once, and with --limit makes progress each time', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 25).map((i) => documentRow(i)),
  );
  const published: unknown[] = [];
  for (let i = 0; i < 4; i++) published.push((await place.done(...PRODUCE, '--limit=10')).produced[0]!['published']);
  expect(published).toEqual([10, 10, 5, 0]);
  const again = await place.done(...PRODUCE);
  expect(again.produced).toMatchObject([{ read: 25, published: 0, unchanged: 25, deadLettered: 0 }]);
  expect((await place.live('embedstream.records')).size).toBe(25);
});

it('reads only the rows that --where lets through, and the others have not vanished', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 20).map((i) => documentRow(i, undefined, i % 4)),
  );
  const some = await place.done(...PRODUCE, '--where=year=3');
  expect(some.produced).toMatchObject([{ read: 20, published: 5, filtered: 15 }]);
  expect([...(await place.live('embedstream.records')).keys()]).toEqual(['d3', 'd7', 'd11', 'd15', 'd19']);
  const refused = await place.run(...PRODUCE, '--where=year=3', '--prune');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/--prune has to see the whole source/);
});

it('--prune deletes what vanished, from the log through to the files and the search', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 30).map((i) => documentRow(i)),
  );
  const embed = ['embed', '--source=documents.csv', '--sink=parquet', HASHED];
  await place.done(...embed);

  place.writeRows(
    'documents.csv',
    numbers(2, 30).map((i) => documentRow(i)),
  );
  const kept = await place.run(...PRODUCE);
  expect(kept.code).toBe(0);
  expect(kept.stderr).toMatch(/2 records .* kept: delete them with --prune/);
  const pruned = await place.done(...embed, '--prune');
  expect(pruned.produced).toMatchObject([{ read: 28, pruned: 2 }]);
  expect(pruned.processed).toMatchObject([{ read: 2, deleted: 2 }]);
  expect(pruned.sunk).toMatchObject([{ embeddings: 0, deletions: 2 }]);

  const sidecar = place.files('data', 'parquet', 'hashed-384').find((name) => name.endsWith('.deletions.jsonl'))!;
  expect(sidecar).toMatch(/^_/);
  const deleted = readFileSync(place.path('data', 'parquet', 'hashed-384', sidecar), 'utf8')
    .trim()
    .split('\n');
  expect(deleted.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual(['d0', 'd1']);
  const found = await place.done('search', 'x', HASHED, '--limit=50');
  expect(found.compared).toBe(28);
  expect(found.matches.map(({ id }) => id)).not.toContain('d0');

  const snapshot = await place.done('sink', 'parquet', HASHED, '--snapshot');
  const rows = await place.rows(snapshot.sunk[0]!.out.slice(place.folder.length));
  expect(rows.map(({ id }) => id).sort()).toEqual(
    numbers(2, 30)
      .map((i) => `d${i}`)
      .sort(),
  );
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('--prune of more than a tenth needs --yes where nobody can be asked', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 30).map((i) => documentRow(i)),
  );
  await place.done(...PRODUCE);
  place.writeRows(
    'documents.csv',
    numbers(10, 30).map((i) => documentRow(i)),
  );
  const refused = await place.run(...PRODUCE, '--prune');
  expect(refused.stderr).toMatch(/10 of 30 records .* more than a tenth, so nothing was deleted/);
  expect(refused.stderr).toMatch(/--prune --yes/);
  expect(refused.code).toBe(1);
  expect((await place.live('embedstream.records')).size).toBe(30);
  const done = await place.done(...PRODUCE, '--prune', '--yes');
  expect(done.produced).toMatchObject([{ pruned: 10 }]);
  expect((await place.live('embedstream.records')).size).toBe(20);
  expect((await place.done(...PRODUCE, '--prune')).produced).toMatchObject([{ pruned: 0 }]);
});

it('two runs of one source at once: one may be fenced, nothing is lost and nothing is double', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 20_000).map((i) => documentRow(i)),
  );
  const exits = await Promise.all([place.run(...PRODUCE), place.run(...PRODUCE)]);
  for (const { code, stderr } of exits) {
    expect([0, 1]).toContain(code);
    if (code === 1) expect(stderr).toMatch(/was opened again/);
    expect(stderr).not.toMatch(/\n\s+at /);
  }
  expect(exits.filter(({ code }) => code === 0).length).toBeGreaterThan(0);
  const offsets = await place.withLog(async (log) => {
    const topic = (await log.topics()).find(({ name }) => name === 'embedstream.records');
    return topic!.partitionInfo[0]!.endOffset;
  });
  expect(offsets).toBe(20_000);
  expect((await place.live('embedstream.records')).size).toBe(20_000);
});
