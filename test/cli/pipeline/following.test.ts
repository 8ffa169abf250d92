import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, onlyJson, until } from './runner.ts';
import type { Place } from './runner.ts';

const EMBEDDINGS = 'embedstream.embeddings.hashed-384';

async function publish(place: Place, count: number): Promise<void> {
  place.writeRows(
    'documents.csv',
    numbers(0, count).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv');
}

async function isOwned(place: Place, part: string): Promise<boolean> {
  return place.withLog(async (log) =>
    (await log.groups()).some(({ group, members }) => group.includes(part) && members.length > 0),
  );
}

it('a process and a sink that follow take up what another process publishes later', async () => {
  const place = newPlace();
  const processing = place.start(['process', HASHED, '--follow', '--json']);
  const sinking = place.start(['sink', 'parquet', HASHED, '--follow', '--shard-rows=5', '--json']);
  await until(async () => (await isOwned(place, 'processor')) && (await isOwned(place, 'sink')), processing);
  await publish(place, 12);
  await until(async () => (await place.live(EMBEDDINGS)).size === 12, processing);
  await publish(place, 20);
  await until(async () => (await place.live(EMBEDDINGS)).size === 20, processing);
  await until(async () => (await place.live('embedstream.shards.parquet-hashed-384')).size > 2, sinking);
  processing.child.kill('SIGINT');
  sinking.child.kill('SIGINT');
  const ends = await Promise.all([processing.ended, sinking.ended]);
  expect(ends.map(({ code }) => code)).toEqual([130, 130]);
  expect(onlyJson(ends[0].stdout).processed).toMatchObject([{ read: 20, embedded: 20 }]);
  expect(onlyJson(ends[1].stdout).sunk).toMatchObject([{ embeddings: 20 }]);
  // What was open at the stop is there, too.
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(20);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a sink that comes before the source does not decide how many partitions there are', async () => {
  const place = newPlace();
  await place.done('sink', 'parquet', HASHED);
  place.writeRows(
    'documents.csv',
    numbers(0, 12).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv', '--partitions=3');
  await place.done('process', HASHED);
  await place.done('sink', 'parquet', HASHED);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(12);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a second process of a model is refused, and --take-over fences the first', async () => {
  const place = newPlace();
  await publish(place, 5);
  const older = place.start(['process', HASHED, '--follow', '--json']);
  await until(async () => (await place.live(EMBEDDINGS)).size === 5, older);
  const refused = await place.run('process', HASHED);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(new RegExp(`pid ${older.child.pid} .*Kafka`));
  expect(refused.stderr).toMatch(/--take-over/);
  expect(refused.stderr).not.toMatch(/\n\s+at /);

  const newer = place.start(['process', HASHED, '--follow', '--take-over', '--json']);
  await until(
    () =>
      place.withLog(async (log) =>
        (await log.groups()).some(({ members }) => members[0]?.name.includes(`pid ${newer.child.pid} `)),
      ),
    newer,
  );
  await publish(place, 9);
  const fenced = await older.ended;
  expect(fenced.code).toBe(1);
  expect(onlyJson(fenced.stdout).error?.code).toBe('LOG_FENCED');
  await until(async () => (await place.live(EMBEDDINGS)).size === 9, newer);
  newer.child.kill('SIGTERM');
  const ended = await newer.ended;
  expect(ended.code).toBe(130);
  expect(onlyJson(ended.stdout).processed).toMatchObject([{ embedded: 4 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});
