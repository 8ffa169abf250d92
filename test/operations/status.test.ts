import { expect, it } from 'vitest';
import { readStatus, StatusWatch } from '../../src/operations/status.ts';
import { gate, scripted, upTo } from '../contracts/log/tasks.ts';
import { createMemoryLog, fakeEmbedder, fault, processAll, publishRows, topics } from '../pipeline-fixtures.ts';

const rows = Array.from({ length: 6 }, (_, i) => ({ id: `r${i}`, text: `text ${i}` }));

it('says how far each group is, of this namespace only', async () => {
  const log = createMemoryLog();
  await log.ensureTopics([{ name: 'test.eu.records', partitions: 1, cleanup: 'compact' }]);
  await publishRows(log, [...rows, { id: 'bad', text: 'poison' }]);
  await processAll(log, fakeEmbedder());
  await publishRows(log, [...rows, { id: 'bad', text: 'poison' }, { id: 'new', text: 'new' }]);
  const status = await readStatus({ log, topics, namespace: 'test' }, 60_000);
  expect(status.groups).toEqual([
    {
      group: 'test.processor.fake',
      topic: 'test.records',
      lag: 1,
      recordsPerSecond: 0,
      partitions: [{ partition: 0, committed: 7, end: 8, lag: 1, recordsPerSecond: 0 }],
      members: [],
    },
  ]);
  expect(status.topics.map(({ topic }) => topic)).toEqual([
    ...['test.dead-letters', 'test.embeddings.fake', 'test.ledger.fake', 'test.ledger.source.rows', 'test.records'],
  ]);
  expect(status.deadLetters).toEqual({
    total: 1,
    sampled: 1,
    byReason: { MODEL_INPUT: 1 },
    byStage: { process: 1 },
  });
});

it('measures the rate of a group between two looks, and names its members and what they have', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 2 });
  let nowMs = 5_000;
  const watch = new StatusWatch({ log, topics, namespace: 'test', nowMs: () => nowMs });
  const opened = gate();
  const goOn = gate();
  const committed = gate();
  const stop = new AbortController();
  let open = 0;
  let left = rows.length;
  const task = scripted({
    group: 'test.processor.slow',
    inputs: [topics.records],
    open: () => {
      if (++open === 2) opened.open();
    },
    process: async (records) => {
      await goOn.opened;
      left -= records.length;
      return upTo(records);
    },
    committed: () => {
      if (left === 0) committed.open();
    },
  });
  const running = log.run(task, { signal: stop.signal });
  await opened.opened;
  const [first] = (await watch.look()).groups;
  expect(first).toMatchObject({
    topic: 'test.records',
    lag: 6,
    members: [{ name: expect.stringMatching(/memory/) as string }],
  });
  expect(first!.members[0]!.assigned).toEqual([
    { topic: 'test.records', partition: 0 },
    { topic: 'test.records', partition: 1 },
  ]);
  expect(first!.recordsPerSecond).toBeUndefined();
  goOn.open();
  await committed.opened;
  nowMs += 2_000;
  const [second] = (await watch.look()).groups;
  expect(second).toMatchObject({ lag: 0, recordsPerSecond: 3 });
  expect(second!.partitions.map(({ recordsPerSecond }) => recordsPerSecond! * 2)).toEqual(
    second!.partitions.map(({ end }) => end),
  );
  stop.abort();
  await running;
  expect((await watch.look()).groups).toMatchObject([{ lag: 0, recordsPerSecond: 0, members: [] }]);
});

it('looks at the latest 1,000 dead letters only', async () => {
  const log = createMemoryLog();
  await publishRows(
    log,
    Array.from({ length: 100 }, (_, i) => ({ ...fault(i + 2, 'x'), code: 'OLD' })),
  );
  await publishRows(
    log,
    Array.from({ length: 1_000 }, (_, i) => fault(i + 2, 'x')),
  );
  const { deadLetters } = await readStatus({ log, topics, namespace: 'test' }, 60_000);
  expect(deadLetters).toEqual({
    total: 1_100,
    sampled: 1_000,
    byReason: { CSV_RAGGED_ROW: 1_000 },
    byStage: { produce: 1_000 },
  });
});

it('says that there is nothing on an empty log', async () => {
  const status = await readStatus({ log: createMemoryLog(), topics, namespace: 'test' }, 60_000);
  const deadLetters = { total: 0, sampled: 0, byReason: {}, byStage: {} };
  expect(status).toEqual({ topics: [], groups: [], deadLetters });
});
