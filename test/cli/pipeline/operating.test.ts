import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, TINY_BERT } from './runner.ts';

it('search says what to do as long as nothing is embedded, and then finds', async () => {
  const place = newPlace();
  const search = ['search', 'bronze', 'dragon', `--model=${TINY_BERT}`];
  const empty = await place.run(...search);
  expect(empty.code).toBe(1);
  expect(empty.stderr).toMatch(/Nothing on this log is embedded with tiny-bert .*run "embed/);
  await place.done('process', `--model=${TINY_BERT}`);
  const none = await place.run(...search);
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/Nothing on this log/);

  place.writeRows('documents.csv', [
    ['d1', 'bronze dragon', 1500],
    ...numbers(2, 12).map((i) => documentRow(i, `silk carpet ${i}`)),
  ]);
  await place.done('produce', '--source=documents.csv', '--text={text}');
  await place.done('process', `--model=${TINY_BERT}`);
  const found = await place.done(...search, '--limit=3');
  expect(found).toMatchObject({
    compared: 11,
    matches: [{ id: 'd1', text: 'bronze dragon', metadata: { year: '1500' } }, {}, {}],
  });
  expect(found.matches).toHaveLength(3);
  expect(found.matches[0]!.score).toBeCloseTo(1, 3);
  const text = await place.run(...search, '--limit=1');
  expect(text.stdout).toMatch(/^1\.000 {2}d1 {2}bronze dragon\n11 embeddings/);
});

it('status counts what is on the log and what is left to do', async () => {
  const place = newPlace();
  expect((await place.run('status')).stdout).toMatch(/log is empty: begin with "embed/);
  expect((await place.run('reconcile')).stdout).toMatch(/nothing on this log to compare: are --data-dir/);
  place.writeRows(
    'documents.csv',
    numbers(0, 7).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv');
  await place.done('process', HASHED);
  place.writeRows(
    'documents.csv',
    numbers(0, 10).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv');
  const status = await place.done('status');
  expect(status).toMatchObject({
    topics: expect.arrayContaining([
      expect.objectContaining({ topic: 'embedstream.records', records: 10, partitions: 1 }),
      expect.objectContaining({ topic: 'embedstream.embeddings.hashed-384', records: 7 }),
    ]) as unknown,
    groups: [{ group: 'embedstream.processor.hashed-384', lag: 3, partitions: [{ committed: 7, end: 10, lag: 3 }] }],
    deadLetters: { total: 0, sampled: 0 },
  });
  expect((await place.run('status')).stdout).toMatch(
    /embedstream\.processor\.hashed-384\n.*\n.*\n +0 +7 +10 +3 +0\n +nobody runs it/,
  );
});

it('models lists, shows and checks', async () => {
  const place = newPlace();
  const list: unknown = await place.done('models');
  expect(list).toContainEqual(expect.objectContaining({ name: 'all-MiniLM-L6-v2' }));
  expect(await place.done('models', 'show', TINY_BERT)).toMatchObject({ name: 'tiny-bert', dimension: 32 });
  const checked = await place.done('models', 'check', TINY_BERT);
  expect(checked).toMatchObject({ name: 'tiny-bert', dimension: 32 });
  expect(checked.cosine).toBeLessThan(1);
  expect((await place.run('models', 'check')).code).toBe(2);
  const elsewhere = await place.run('models', 'check', TINY_BERT, '--device=dml');
  expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("can't run on dml") as unknown });
});

it('with --json prints exactly one JSON object on stdout, whatever happens', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 5).map((i) => documentRow(i)),
  );
  // `json` checks that there is one line, which is JSON.
  const codes: unknown[] = [];
  for (const line of [
    'produce --source=documents.csv',
    `process ${HASHED}`,
    `sink parquet,npy ${HASHED}`,
    `sink npy ${HASHED} --snapshot`,
    `replay --sink=npy ${HASHED}`,
    `search dragons ${HASHED}`,
    'status',
    'reconcile',
    'dead-letters list',
    'dead-letters retry',
    'dead-letters show nowhere',
    `embed --source=documents.csv ${HASHED}`,
    'models list',
    'produce --source=nowhere.csv',
    'produce --sorce=documents.csv',
    `sink npy ${HASHED} --data-dir=documents.csv`,
    'nonsense',
  ]) {
    const { code, json } = await place.json(...line.split(' '));
    expect(typeof json, line).toBe('object');
    codes.push(code);
  }
  expect(codes).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 2, 1, 2]);
});
