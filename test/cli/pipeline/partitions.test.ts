import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from './runner.ts';

it('three partitions hold the same as one, and a later --partitions keeps what is there', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 60).map((i) => documentRow(i)),
  );
  const embed = ['embed', '--source=documents.csv', '--sink=parquet', HASHED];
  const report = await place.done(...embed, '--partitions=3');
  expect(report.processed).toMatchObject([{ read: 60, embedded: 60 }]);
  await place.done('embed', '--source=documents.csv', '--sink=parquet', HASHED, '--data-dir=one', '--out=one-data');

  const rows = await place.rows('data', 'parquet', 'hashed-384');
  const plain = (all: typeof rows): unknown[] =>
    all.map(({ id, vector, text }) => ({ id, text, vector: [...vector] })).sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(plain(rows)).toEqual(plain(await place.rows('one-data', 'parquet', 'hashed-384')));
  const shards = place.files('data', 'parquet', 'hashed-384').filter((name) => name.endsWith('.parquet'));
  expect(shards.map((name) => name.split('+')[1])).toEqual(['0', '1', '2']);

  place.writeRows(
    'documents.csv',
    numbers(1, 70).map((i) => documentRow(i)),
  );
  const later = await place.done(...embed, '--partitions=5', '--prune');
  expect(later.produced).toMatchObject([{ published: 10, unchanged: 59, pruned: 1 }]);
  expect(later.processed).toMatchObject([{ embedded: 10, deleted: 1 }]);
  const { topics } = await place.done('status');
  expect(new Set(topics.map(({ partitions }) => partitions))).toEqual(new Set([3]));
  expect((await place.done('search', 'x', HASHED)).compared).toBe(69);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it.each([['process'], ['sink', 'parquet']])(
  '%s may be the first: it makes the partitions for all',
  async (...first) => {
    const place = newPlace();
    place.writeRows(
      'documents.csv',
      numbers(0, 20).map((i) => documentRow(i)),
    );
    await place.done(...first, HASHED, '--partitions=3');
    await place.done('embed', '--source=documents.csv', '--sink=parquet', HASHED);
    const { topics } = await place.done('status');
    expect(new Set(topics.map(({ partitions }) => partitions))).toEqual(new Set([3]));
    expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
  },
);
