import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { byNumber, failureOf, numbered, range, readRecords, textOf } from '../../contracts/log/tasks.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { GroupPlace, Member, shared } from './group-member.ts';

const BEFORE = 2;
const AFTER = 3;

describeWithService('kafka', 'a topic that gets more partitions while it is in use', () => {
  let brokers: string[];
  let place: GroupPlace;
  let log: Log;

  beforeAll(async () => {
    brokers = await kafkaBrokers();
    place = new GroupPlace(brokers);
    log = await place.open();
  });
  afterAll(async () => {
    await place.dispose();
  });

  it('ends the runs that read it, and is never written to by its new count', async () => {
    const from = await place.topic(log, 'in', BEFORE);
    const to = await place.topic(log, 'out', BEFORE);
    const members = await Promise.all([1, 2].map(() => Member.join(place, { group: `${place.prefix}g`, from, to })));
    await shared(BEFORE, members);
    const producer = await log.producer(`${place.prefix}p`);
    let appended = 0;
    const append = async (): Promise<void> => {
      await producer.append(numbered(from, appended, 20));
      appended += 20;
    };
    await append();
    await grow(from);
    const failures = members.map(({ ended }) => failureOf(ended));
    const ended = { are: false };
    void Promise.all(failures).then(() => (ended.are = true));
    // Whether it notices and refuses, or goes on by the old count.
    const refusal = await vi.waitUntil(
      async () => {
        try {
          await append();
          return ended.are ? 'never' : undefined;
        } catch (error) {
          return error;
        }
      },
      { timeout: 30_000, interval: 20 },
    );
    if (refusal !== 'never') expect(refusal).toMatchObject({ code: 'LOG_PARTITION_MISMATCH' });
    for (const failure of await Promise.all(failures))
      expect(failure).toMatchObject({
        code: 'LOG_PARTITION_MISMATCH',
        message: expect.stringContaining(`embedstream topics repartition --partitions=${AFTER}`) as string,
      });
    const reader = await place.open();
    expect(await readRecords(reader, from, AFTER - 1)).toEqual([]);
    const values = await Promise.all(range(BEFORE).map((partition) => readRecords(reader, from, partition)));
    expect(byNumber(values.flat().map(({ value }) => textOf(value)))).toEqual(range(appended));
  });

  async function grow(topic: string): Promise<void> {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: AFTER }] });
    await admin.disconnect();
  }
});
