import { expect, it } from 'vitest';
import { liveRecords, newPlace, numbers, onlyJson, TINY_BERT, until } from './runner.ts';
import type { Place, Running } from './runner.ts';

/** More than the model's windows in flight hold. */
const ROWS = 4000;
const EMBED = ['embed', '--source=documents.csv', '--sink=parquet', `--model=${TINY_BERT}`, '--workers=1'];
const EMBEDDINGS = 'embedstream.embeddings.tiny-bert';

/** Starts an `embed` that takes a few seconds, and waits until it is at work. */
async function atWork(place: Place): Promise<Running> {
  const words = 'bronze vessel with a dragon and handles in the form of birds '.repeat(12);
  place.writeRows(
    'documents.csv',
    numbers(0, ROWS).map((i) => [`d${i}`, `${i} ${words} ${i}`, 1900]),
  );
  const running = place.start([...EMBED, '--json']);
  await until(async () => (await place.live(EMBEDDINGS)).size > 0, running);
  return running;
}

async function finishes(place: Place, already: number): Promise<void> {
  const rest = await place.done(...EMBED);
  expect(rest.processed).toMatchObject([{ embedded: ROWS - already }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
  const rows = await place.rows('data', 'parquet', 'tiny-bert');
  expect(rows).toHaveLength(ROWS);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(ROWS);
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  'one %s in the middle of an embed: what was embedded is committed and in the shards',
  async (signal) => {
    const place = newPlace();
    const running = await atWork(place);
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    expect(stderr).toMatch(/stopping: finishing/);
    expect(code).toBe(130);
    const report = onlyJson(stdout);
    const embedded = (await place.live(EMBEDDINGS)).size;
    expect(embedded).toBeLessThan(ROWS);
    expect(report.processed).toMatchObject([{ embedded }]);
    expect(await place.rows('data', 'parquet', 'tiny-bert')).toHaveLength(embedded);
    if (signal === 'SIGINT') await finishes(place, embedded);
  },
);

it('a second embed at the same time is refused before it publishes, and the first goes on', async () => {
  const place = newPlace();
  const running = await atWork(place);
  place.writeRows('documents.csv', [['late', 'A row that came later', 1900]]);
  const second = await place.run(...EMBED);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(new RegExp(`is being run by pid ${running.child.pid} `));
  running.child.kill('SIGINT');
  // Not 1: it was not fenced.
  expect((await running.ended).code).toBe(130);
  expect((await place.live('embedstream.records')).has('late')).toBe(false);
});

it('a second SIGINT ends at once, and nothing is lost', async () => {
  const place = newPlace();
  const running = await atWork(place);
  running.child.kill('SIGINT');
  // As an impatient person does; the first ones count as the same keypress.
  const impatience = setInterval(() => running.child.kill('SIGINT'), 50);
  const { code, signal } = await running.ended;
  clearInterval(impatience);
  // By the signal itself, for which a shell shows 130, unless the clean stop was done before the second one counted.
  expect(['SIGINT', 130]).toContain(signal ?? code);
  await finishes(place, (await place.live(EMBEDDINGS)).size);
});

it('Ctrl-C ends a process and a sink that follow, with a report and 130', async () => {
  const place = newPlace();
  place.writeRows('documents.csv', [['d1', 'A text', 1900]]);
  await place.done('produce', '--source=documents.csv');
  const processing = place.start(['process', '--model=hashed-384', '--follow', '--json']);
  await until(async () => (await place.live('embedstream.embeddings.hashed-384')).size === 1, processing);
  const sinking = place.start(['sink', 'parquet', '--model=hashed-384', '--follow', '--json']);
  await until(
    () =>
      place.withLog(async (log) =>
        (await log.groups()).some(({ group, members }) => group.includes('sink') && members.length > 0),
      ),
    sinking,
  );
  for (const running of [processing, sinking]) {
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(onlyJson(stdout).mismatches).toEqual([]);
  }
  await place.withLog(async (log) => {
    expect((await log.groups()).filter(({ members }) => members.length > 0)).toEqual([]);
    expect((await liveRecords(log, 'embedstream.ledger.hashed-384')).size).toBe(1);
  });
  // The sink may have been stopped before it got the row; either way the next run leaves it whole.
  await place.done('sink', 'parquet', '--model=hashed-384');
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a cluster that does not answer is waited for with a word about it, and not after the signal', async () => {
  const place = newPlace();
  const running = place.start(['status', '--brokers=127.0.0.1:1']);
  const said: string[] = [];
  running.child.stderr?.on('data', (text: Buffer | string) => said.push(text.toString()));
  await until(() => Promise.resolve(said.join('').includes('127.0.0.1:1 does not answer')), running);
  running.child.kill('SIGINT');
  const { stderr } = await running.ended;
  expect(stderr).toMatch(/warn: .*connect.*does not answer[^]*stopping: [^]*Given up after trying for [1-9] s\./);
});
