import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from './runner.ts';

it('shows the topics of the embedded log, which needs nothing done about them', async () => {
  const place = newPlace();
  expect((await place.run('topics')).stdout).toBe('There is no topic in this namespace yet.\n');
  place.writeRows('documents.csv', [documentRow(0)]);
  await place.done('produce', '--source=documents.csv');
  const { stdout } = await place.run('topics');
  expect(stdout).toMatch(/^partitions +kind +cleanup +topic\n +1 +dead-letters +delete +embedstream\.dead-letters\n/);
  for (const action of ['plan', 'apply']) expect((await place.run('topics', action)).stdout).toContain('nothing to do');
  expect(await place.json('topics', 'delete', '--yes')).toMatchObject({ code: 2 });
});

it.each([
  [['repartition', '--partitions=2'], '--into'],
  [['repartition', '--into=copy'], '--partitions'],
  [['show', '--into=copy'], '--into'],
  [['apply', '--yes'], '--yes'],
  [['plan', '--sink=parquet', '--brokers=127.0.0.1:1'], '--sink needs --model'],
])('topics %o says that it is wrong', async (args, flag) => {
  const { code, json } = await newPlace().json('topics', ...args);
  expect({ code, json }).toMatchObject({ code: 2, json: { error: { code: 'USAGE' } } });
  expect(json.error?.message).toContain(flag);
});

it('copies the embedded log into other partitions, from which all goes on', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 60).map((i) => documentRow(i)),
  );
  await place.done('embed', '--source=documents.csv', HASHED, '--sink=parquet');
  const { stdout, code } = await place.run('topics', 'repartition', '--partitions=4', '--into=copy');
  expect(code).toBe(0);
  expect(stdout).toContain('"embedstream" is copied into "copy", in 4 partitions.');
  expect(stdout).toContain('embedstream process --model=hashed-384 --namespace=copy');
  expect(await place.done('reconcile', '--namespace=copy')).toMatchObject({ differences: 0, sinks: [] });
  place.writeRows(
    'documents.csv',
    numbers(1, 61).map((i) => documentRow(i)),
  );
  const embed = ['embed', '--source=documents.csv', HASHED, '--sink=parquet', '--prune', '--namespace=copy'];
  const taken = await place.json(...embed);
  expect(taken).toMatchObject({ code: 2 });
  expect(taken.json.error?.message).toContain('choose another folder with --out');
  expect(await place.done(...embed, '--out=copy')).toMatchObject({
    processed: [{ embedded: 1, deleted: 1 }],
  });
  expect(await place.done('reconcile', '--namespace=copy')).toMatchObject({ differences: 0, sinks: [{ live: 60 }] });
});
