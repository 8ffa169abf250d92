import { expect, it } from 'vitest';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import type { Log } from '../../../src/log/port.ts';
import { compactedTopic, topicNames } from '../../../src/log/topics.ts';
import type { FileSink } from '../../../src/sinks/file-sink.ts';
import { createSingleFileSink } from '../../../src/sinks/single/single-file-sink.ts';
import { codec, embedding, temporaryFolder, wire } from '../fixtures.ts';

const topics = topicNames('test');
const input = topics.embeddings('tiny');
const DIMENSION = 8;

it('does not put older files in the place of those that another member has written meanwhile', async () => {
  const log = createMemoryLog();
  await log.ensureTopics([compactedTopic(input, 2)]);
  const producer = await log.producer('test');
  const put = async (id: number, partition: number): Promise<void> => {
    const value = wire(embedding(id, DIMENSION));
    await producer.append([{ topic: input, partition, key: Buffer.from(`object-${id}`), value }]);
  };
  await put(1, 0);
  const out = temporaryFolder();
  const sinkOn = (its: Log): FileSink =>
    createSingleFileSink({ log: its, codec, topics, form: 'json', model: 'tiny', dimension: DIMENSION, out });

  const other = sinkOn(log);
  let overtaken = false;
  // While it reads what there was, a record comes, and another member writes and commits it.
  const read: Log['read'] = async function* (topic, ...rest) {
    yield* log.read(topic, ...rest);
    if (overtaken || topic !== input) return;
    overtaken = true;
    await put(2, 1);
    await log.run(other, { until: 'end' });
  };
  const slow = new Proxy(log, {
    get(target, name) {
      const member: unknown = name === 'read' ? read : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const { signal } = new AbortController();
  const place = { topic: input, partition: 0, offset: 0, signal, assertOwner: () => Promise.resolve() };
  const task = await sinkOn(slow).open(place);
  const { outputs } = await task.idle('end');
  expect(overtaken).toBe(true);
  expect(other.stats()).toMatchObject({ rows: 2 });
  expect(outputs).toEqual([]);
});
