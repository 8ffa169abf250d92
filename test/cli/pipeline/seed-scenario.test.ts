import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, TINY_BERT } from './runner.ts';

it('embeds what is new or changed in its text, and nothing else', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 30).map((i) => documentRow(i)),
  );
  const embed = ['embed', '--source=documents.csv', '--sink=parquet,npy', HASHED];
  const first = await place.done(...embed);
  expect(first.processed).toMatchObject([{ read: 30, embedded: 30 }]);

  // 20 new, 5 unchanged, 3 with another text, 2 with other metadata; 20 of the first are as they were, too.
  place.writeRows('documents.csv', [
    ...numbers(0, 3).map((i) => documentRow(i, `Another text of ${i}`)),
    ...numbers(3, 5).map((i) => documentRow(i, undefined, 2000)),
    ...numbers(5, 50).map((i) => documentRow(i)),
  ]);
  const second = await place.done(...embed);
  expect(second.produced).toMatchObject([{ read: 50, published: 25, unchanged: 25 }]);
  expect(second.processed).toMatchObject([{ read: 25, embedded: 23, skipped: 2 }]);
  expect(second.sunk).toMatchObject([{ embeddings: 23 }, { embeddings: 23 }]);
  expect(second.mismatches).toEqual([]);

  const rows = await place.rows('data', 'parquet', 'hashed-384');
  expect(rows).toHaveLength(53);
  const latest = new Map(rows.map((row) => [row.id, row]));
  expect([...latest.keys()].sort()).toEqual(
    numbers(0, 50)
      .map((i) => `d${i}`)
      .sort(),
  );
  expect(latest.get('d1')).toMatchObject({ text: 'Another text of 1' });
  expect(latest.get('d40')!.metadata.get('year')).toBe('1940');
  expect(rows.filter(({ id }) => id === 'd1')).toHaveLength(2);

  const third = await place.done(...embed);
  expect(third.processed).toMatchObject([{ read: 0, embedded: 0 }]);
  expect(third.sunk).toMatchObject([{ shards: 0 }, { shards: 0 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a second model embeds all of it once more, beside the first', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 30).map((i) => documentRow(i)),
  );
  await place.done('embed', '--source=documents.csv', '--sink=parquet', HASHED);
  const other = await place.done('embed', '--source=documents.csv', '--sink=parquet', `--model=${TINY_BERT}`);
  expect(other.processed).toMatchObject([{ read: 30, embedded: 30 }]);
  expect(await place.rows('data', 'parquet', 'tiny-bert')).toHaveLength(30);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(30);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a model whose weights differ by one byte embeds all of it again, and the older vectors are gone from search', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 30).map((i) => documentRow(i)),
  );
  const folder = place.path('tiny-bert');
  cpSync(TINY_BERT, folder, { recursive: true });
  const args = ['embed', '--source=documents.csv', '--sink=parquet', '--model=./tiny-bert'];
  expect((await place.done(...args)).processed).toMatchObject([{ read: 30, embedded: 30 }]);

  const weights = `${folder}/onnx/model.onnx`;
  const bytes = readFileSync(weights);
  // Within a tensor of floats: its value is another one, and the model still works.
  const middle = Math.floor(bytes.length / 2) & ~3;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(weights, bytes);
  expect(await place.json('reconcile', '--model=./tiny-bert')).toMatchObject({ code: 1, json: { differences: 30 } });
  const again = await place.done(...args);
  expect(again.processed).toMatchObject([{ read: 30, embedded: 30 }]);
  expect(again.sunk).toMatchObject([{ embeddings: 30 }]);
  const rows = await place.rows('data', 'parquet', 'tiny-bert');
  expect(new Set(rows.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  const found = await place.done('search', 'dragons', '--model=./tiny-bert');
  expect(found.compared).toBe(30);
  expect((await place.done(...args)).processed).toMatchObject([{ read: 0 }]);
});
