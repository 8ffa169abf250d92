import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, type Place } from './runner.ts';

const REPLAY = ['replay', '--sink=parquet', HASHED, '--shard-rows=5'];
const TOPIC = 'embedstream.embeddings.hashed-384';

/** `count` rows, some of them changed and deleted later, in several shards a partition. */
async function withHistory(partitions: number): Promise<Place> {
  const place = newPlace();
  const embed = async (rows: readonly number[], text?: string): Promise<unknown> => {
    place.writeRows(
      'documents.csv',
      rows.map((i) => documentRow(i, text)),
    );
    await place.done('produce', '--source=documents.csv', `--partitions=${partitions}`, '--prune', '--yes');
    await place.done('process', HASHED);
    return place.done('sink', 'parquet', HASHED, '--shard-rows=5');
  };
  await embed(numbers(0, 23));
  await embed(numbers(4, 31));
  await embed(numbers(4, 12), 'changed');
  return place;
}

async function contents(place: Place): Promise<unknown[]> {
  const rows = await place.rows('data', 'parquet', 'hashed-384');
  return rows
    .map(({ id, text, offset, vector }) => ({ id, text, offset, vector: [...vector] }))
    .sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0) || (a.id < b.id ? -1 : 1));
}

function shards(place: Place): string[] {
  return place.files('data', 'parquet', 'hashed-384').filter((name) => !name.startsWith('_') && !name.startsWith('.'));
}

it('replay --from writes only what is at an offset or later, and the output equals a full rebuild', async () => {
  const place = await withHistory(1);
  const before = shards(place);
  const replayed = await place.done(...REPLAY, '--from=17');
  // The shard of offset 17 begins at 15.
  expect(replayed.sunk[0]!['embeddings']).toBeLessThan((await contents(place)).length);
  expect(shards(place).filter((name) => before.includes(name)).length).toBeGreaterThanOrEqual(3);
  const partly = await contents(place);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
  await place.done(...REPLAY);
  expect(await contents(place)).toEqual(partly);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('replay --from takes an offset for each partition, or a time', async () => {
  const place = await withHistory(3);
  const whole = await contents(place);
  const before = shards(place);
  const replayed = await place.done(...REPLAY, '--from=1:3');
  expect(replayed.sunk[0]!['embeddings']).toBeGreaterThan(0);
  expect(await contents(place)).toEqual(whole);
  const others = before.filter((name) => !name.includes('+1+'));
  expect(shards(place)).toEqual(expect.arrayContaining(others));

  const times = await place.withLog(async (log) => {
    const all: number[] = [];
    for (const { partition, endOffset } of (await log.topics()).find(({ name }) => name === TOPIC)!.partitionInfo)
      for await (const { records } of log.read(TOPIC, partition, 0, endOffset))
        all.push(...records.map(({ timestampMs }) => timestampMs));
    return all.sort((a, b) => a - b);
  });
  const latest = times.at(-1)!;
  const late = await place.done(...REPLAY, `--from=@${latest}`);
  expect(late.sunk[0]!['embeddings']).toBeLessThan(whole.length);
  expect(await contents(place)).toEqual(whole);
  const later = await place.done(...REPLAY, `--from=${new Date(latest + 1).toISOString()}`);
  expect(later.sunk).toMatchObject([{ embeddings: 0, shards: 0 }]);
  expect(await contents(place)).toEqual(whole);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('replay --from refuses what can not be meant before anything is removed', async () => {
  const place = await withHistory(3);
  const before = shards(place);
  const refusal = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await place.run(...REPLAY, ...args);
    expect([code, stderr]).toEqual([2, expect.any(String)]);
    return stderr;
  };
  expect(await refusal('--from=latest')).toMatch(/--from.*must be earliest, an offset/s);
  expect(await refusal('--from=5')).toMatch(/3 partitions.*--from=0:5,1:…/s);
  expect(await refusal('--from=7:5')).toMatch(/partition 7.*has 3/s);
  expect(await refusal('--from=0:900000')).toMatch(/0:900000 is beyond the end/);
  expect(await refusal('--from=0:1', '--model=all-MiniLM-L6-v2')).toMatch(/give one --model/);
  expect(shards(place)).toEqual(before);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});
