import { randomBytes } from 'node:crypto';
import { Kafka, logLevel, type Transaction } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../../src/log/port.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { readRecords, scripted, textOf, upTo } from '../../contracts/log/tasks.ts';

/** kafkajs' own filter assumes that aborted transactions come in the order of their start, and reads user keys as markers. */
describeWithService('kafka', 'reading committed records only', () => {
  const prefix = `t${randomBytes(6).toString('hex')}.`;
  const topic = `${prefix}interleaved`;
  let brokers: string[];
  let log: Log;

  beforeAll(async () => {
    brokers = await kafkaBrokers();
    log = await createKafkaLog({ connection: { brokers, clientId: 'test' }, prefix });
    await log.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete' }]);
    await interleave();
  });
  afterAll(async () => {
    await log.close();
  });

  /** Ten committed records between three aborted transactions of two producers, which overlap. */
  async function interleave(): Promise<void> {
    const kafka = new Kafka({ brokers, clientId: 'writers', logLevel: logLevel.NOTHING });
    const producerOf = async (id: string) => {
      const producer = kafka.producer({
        transactionalId: `${prefix}${id}`,
        idempotent: true,
        maxInFlightRequests: 1,
        retry: { initialRetryTime: 20, retries: 20 },
      });
      await producer.connect();
      return producer;
    };
    const send = async (transaction: Transaction, text: string, count: number, key: string | Buffer = 'k') => {
      const messages = Array.from({ length: count }, (_, i) => ({ key, value: `${text} ${i}` }));
      await transaction.send({ topic, acks: -1, messages });
    };
    const producers = await Promise.all(['one', 'two', 'good'].map(producerOf));
    const [one, two, good] = producers as [(typeof producers)[0], (typeof producers)[0], (typeof producers)[0]];
    const first = await good.transaction();
    await send(first, 'good', 5);
    await first.commit();
    const startsFirst = await one.transaction();
    await send(startsFirst, 'aborted', 10);
    const startsSecond = await two.transaction();
    await send(startsSecond, 'aborted', 10);
    await startsSecond.abort();
    await send(startsFirst, 'aborted', 10);
    await startsFirst.abort();
    const zeroKey = await one.transaction();
    await send(zeroKey, 'aborted', 3, Buffer.alloc(4));
    await send(zeroKey, 'aborted', 5);
    await zeroKey.abort();
    const last = await good.transaction();
    await send(last, 'good', 5);
    await last.commit();
    await Promise.all(producers.map((producer) => producer.disconnect()));
  }

  const committed = [...Array(2).keys()].flatMap(() => [...Array(5).keys()].map((i) => `good ${i}`));

  it('hands over no aborted record, to readers and to tasks', async () => {
    expect((await readRecords(log, topic)).map(({ value }) => textOf(value))).toEqual(committed);
    const seen: (string | null)[] = [];
    await log.run(
      scripted({
        group: `${prefix}g`,
        inputs: [topic],
        process: (records) => {
          seen.push(...records.map(({ value }) => textOf(value)));
          return upTo(records);
        },
      }),
      { until: 'end' },
    );
    expect(seen).toEqual(committed);
  });

  it('is needed: kafkajs’ own consumer hands over aborted ones', async () => {
    const kafka = new Kafka({ brokers, clientId: 'stock', logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: `${prefix}stock`, readUncommitted: false, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        seen.push(String(message.value));
        if (seen.filter((text) => text.startsWith('good')).length === committed.length) resolve(undefined);
        return Promise.resolve();
      },
    });
    await promise;
    await consumer.disconnect();
    expect(seen.filter((text) => text.startsWith('aborted')).length).toBeGreaterThan(0);
  });
});
