import { expect, it } from 'vitest';
import { readStatus } from '../../src/operations/status.ts';
import { createMemoryLog, fakeEmbedder, processAll, publishRows, topics } from '../pipeline-fixtures.ts';

const rows = Array.from({ length: 6 }, (_, i) => ({ id: `r${i}`, text: `text ${i}` }));

it('says how far each group is, of this namespace only', async () => {
  const log = createMemoryLog();
  await log.ensureTopics([{ name: 'test.eu.records', partitions: 1, cleanup: 'compact' }]);
  await publishRows(log, [...rows, { id: 'bad', text: 'poison' }]);
  await processAll(log, fakeEmbedder());
  await publishRows(log, [...rows, { id: 'bad', text: 'poison' }, { id: 'new', text: 'new' }]);
  const status = await readStatus(log, 'test', topics.deadLetters);
  expect(status.groups).toEqual([
    {
      group: 'test.processor.fake',
      topic: 'test.records',
      lag: 1,
      partitions: [{ partition: 0, committed: 7, end: 8, lag: 1 }],
    },
  ]);
  expect(status.topics.map(({ topic }) => topic)).toEqual([
    ...['test.dead-letters', 'test.embeddings.fake', 'test.ledger.fake', 'test.ledger.source.rows', 'test.records'],
  ]);
  expect(status.deadLetters).toBe(1);
});
