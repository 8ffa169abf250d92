import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Admin, type Producer } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LogRecord } from '../../../../src/log/port.ts';
import { createCluster, send } from '../../../../src/log/kafka/internals.ts';
import type { Broker, Cluster } from '../../../../src/log/kafka/kafkajs-types.ts';
import { createSocketFactory } from '../../../../src/log/kafka/socket-factory.ts';
import { fetchRequest, type FetchedPartition } from '../../../../src/log/kafka/wire/fetch-request.ts';
import { produceRequest } from '../../../../src/log/kafka/wire/produce-request.ts';
import { RecordBatchWriter } from '../../../../src/log/kafka/wire/record-batch-writer.ts';
import { RecordSet } from '../../../../src/log/kafka/wire/record-set.ts';
// Gives kafkajs the codec for zstd, which it lacks.
import './kafkajs-batches.ts';
import { describeWithService, kafkaBrokers } from '../../../services/index.ts';

describeWithService('kafka', 'record batches and their requests on a real broker', () => {
  let kafka: Kafka;
  let admin: Admin;
  let cluster: Cluster;
  let broker: Broker;

  beforeAll(async () => {
    const brokers = await kafkaBrokers();
    kafka = new Kafka({ brokers, clientId: 'wire-oracle', logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    cluster = createCluster({
      brokers,
      clientId: 'wire',
      connectionTimeout: 5_000,
      authenticationTimeout: 5_000,
      requestTimeout: 30_000,
      logLevel: logLevel.NOTHING,
      logCreator: () => () => undefined,
      socketFactory: createSocketFactory(false),
    });
    await cluster.connect();
    await cluster.refreshMetadata();
    const [nodeId = ''] = cluster.getNodeIds();
    broker = await cluster.findBroker({ nodeId });
  });

  afterAll(async () => {
    await cluster.disconnect();
    await admin.disconnect();
  });

  async function newTopic(config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = `wire-${randomUUID()}`;
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1, configEntries }] });
    await ledByBroker(topic);
    return topic;
  }

  /** A busy broker takes the lead of a new topic's partitions one after the other. */
  async function ledByBroker(topic: string): Promise<void> {
    const partitions = [0, 1].map((partition) => ({ topic, partition, from: 0, maxBytes: 1 }));
    for (let attempt = 0; attempt < 100; attempt++) {
      const fetched = await send(broker, fetchRequest({ maxWaitMs: 0, minBytes: 0, maxBytes: 1, partitions }));
      if (fetched.every(({ errorCode }) => errorCode === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`No broker leads ${topic}.`);
  }

  async function fetchOnce(topic: string, from: number, maxBytes: number): Promise<FetchedPartition> {
    const partitions = [{ topic, partition: 0, from, maxBytes }];
    const [fetched] = await send(broker, fetchRequest({ maxWaitMs: 100, minBytes: 1, maxBytes: 2 ** 24, partitions }));
    expect(fetched).toMatchObject({ topic, partition: 0, errorCode: 0 });
    return fetched!;
  }

  /** All that is committed, by answers of about `maxBytes`. */
  async function readAll(topic: string, maxBytes: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    let end = 1;
    for (let from = 0; from < end;) {
      const fetched = await fetchOnce(topic, from, maxBytes);
      end = fetched.lastStableOffset;
      const set = new RecordSet(fetched.records, { topic, partition: 0, from, to: Infinity, aborted: fetched.aborted });
      while (!set.isEmpty()) records.push(...set.take(100));
      expect(set.nextOffset).toBeGreaterThan(from);
      from = set.nextOffset;
    }
    return records;
  }

  async function producer(name: string): Promise<Producer> {
    const made = kafka.producer({
      transactionalId: `${name}-${randomUUID()}`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await made.connect();
    return made;
  }

  it.each([{}, { 'compression.type': 'zstd' }, { 'compression.type': 'gzip' }])(
    'reads what kafkajs sent to a topic with %j, in answers that cut batches off',
    async (config) => {
      const topic = await newTopic(config);
      const sender = kafka.producer();
      await sender.connect();
      const sent: string[] = [];
      for (let batch = 0; batch < 20; batch++) {
        const messages = Array.from({ length: 30 }, (_, i) => ({
          key: `${batch}-${i}`,
          value: 'v'.repeat(i * 10),
          partition: 0,
        }));
        await sender.send({ topic, messages });
        sent.push(...messages.map(({ key }) => key));
      }
      await sender.disconnect();
      const read = await readAll(topic, 7_000);
      expect(read.map(({ key }) => String(key && Buffer.from(key)))).toEqual(sent);
      expect(read.map(({ offset }) => offset)).toEqual(sent.map((_, i) => i));
      expect(read.map(({ value }) => value?.length)).toEqual(sent.map((_, i) => (i % 30) * 10));
    },
  );

  it('leaves aborted transactions of interleaved producers out', async () => {
    const topic = await newTopic();
    const [p1, p2, p3] = await Promise.all(['p1', 'p2', 'p3'].map(producer));
    const append = (
      to: { send: Producer['send'] },
      value: string,
      count: number,
      key: string | Buffer = 'k',
    ): Promise<unknown> =>
      to.send({ topic, messages: Array.from({ length: count }, () => ({ key, value, partition: 0 })) });
    const good = await p3!.transaction();
    await append(good, 'good', 5);
    await good.commit();
    const first = await p1!.transaction();
    await append(first, 'aborted', 10);
    const second = await p2!.transaction();
    await append(second, 'aborted', 10);
    // The second one ends first, so the broker lists it first.
    await second.abort();
    await append(first, 'aborted', 10);
    await first.abort();
    const third = await p1!.transaction();
    await append(third, 'aborted', 3, Buffer.alloc(4));
    await append(third, 'aborted', 5);
    await third.abort();
    const last = await p3!.transaction();
    await append(last, 'good', 5);
    await last.commit();
    await Promise.all([p1, p2, p3].map((each) => each!.disconnect()));
    for (const maxBytes of [200, 1_000, 1_000_000]) {
      const read = await readAll(topic, maxBytes);
      expect(read.map(({ value }) => String(value && Buffer.from(value)))).toEqual(Array(10).fill('good'));
    }
  });

  it.each(['none', 'zstd'] as const)(
    'writes a transaction that kafkajs reads, with compression %s',
    async (compression) => {
      const topic = await newTopic();
      const transactionalId = `wire-${randomUUID()}`;
      const { coordinator } = await retried(() =>
        broker.findGroupCoordinator({ groupId: transactionalId, coordinatorType: 1 }),
      );
      const transactions = await cluster.findBroker({ nodeId: coordinator.nodeId });
      const { producerId, producerEpoch } = await retried(() =>
        transactions.initProducerId({ transactionalId, transactionTimeout: 30_000 }),
      );
      const identity = { transactionalId, producerId, producerEpoch };
      await retried(() => transactions.addPartitionsToTxn({ ...identity, topics: [{ topic, partitions: [0, 1] }] }));
      const batches = await Promise.all(
        [0, 1].map(async (partition) => {
          const writer = new RecordBatchWriter();
          for (let i = 0; i < 100; i++)
            writer.add({
              key: Buffer.from(`${partition}-${i}`),
              value: i === 50 ? null : Buffer.alloc(i * 100, i),
              headers: { at: Buffer.from([i]) },
              timestampMs: 1_700_000_000_000 - i * 100_000_000,
            });
          const options = { producerId: BigInt(producerId), producerEpoch, baseSequence: 0, transactional: true };
          return { partition, batch: await writer.finish({ ...options, compression }) };
        }),
      );
      const request = produceRequest({ transactionalId, timeoutMs: 30_000, topics: [{ topic, partitions: batches }] });
      const outcome = [0, 1].map((partition) => ({ topic, partition, errorCode: 0, baseOffset: 0 }));
      expect(byPartition(await send(broker, request))).toEqual(outcome);
      // The very same bytes again are known by their sequence numbers, and not stored twice.
      expect(byPartition(await send(broker, request))).toEqual(outcome);
      await transactions.endTxn({ ...identity, transactionResult: true });

      const consumer = kafka.consumer({ groupId: `wire-${randomUUID()}` });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      const seen: { key: string; at: number; length: number | undefined; timestamp: string }[] = [];
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => {
          if (!payload.restart) reject(payload.error);
        });
        consumer
          .run({
            eachMessage: ({ message: { key, value, headers, timestamp } }) => {
              const at = (headers?.['at'] as Buffer)[0]!;
              seen.push({ key: String(key), at, length: value?.length, timestamp });
              if (seen.length === 200) resolve();
              return Promise.resolve();
            },
          })
          .catch(reject);
      });
      await consumer.disconnect();
      expect(seen.filter(({ key }) => key.startsWith('1-'))).toEqual(
        Array.from({ length: 100 }, (_, i) => ({
          key: `1-${i}`,
          at: i,
          length: i === 50 ? undefined : i * 100,
          timestamp: String(1_700_000_000_000 - i * 100_000_000),
        })),
      );
      // A batch and the marker.
      expect(await fetchOnce(topic, 0, 1_000)).toMatchObject({ highWatermark: 101, logStartOffset: 0 });
      expect(await readAll(topic, 1_000_000)).toHaveLength(100);
    },
  );

  it('tells the error of each partition', async () => {
    const topic = await newTopic();
    const partitions = [
      { topic, partition: 0, from: 99, maxBytes: 1_000 },
      { topic, partition: 7, from: 0, maxBytes: 1_000 },
    ];
    const fetched = await send(broker, fetchRequest({ maxWaitMs: 0, minBytes: 1, maxBytes: 1_000, partitions }));
    expect(byPartition(fetched).map(({ partition, errorCode }) => [partition, errorCode])).toEqual([
      [0, 1],
      [7, 3],
    ]);
    const writer = new RecordBatchWriter();
    writer.add({ key: null, value: Buffer.alloc(20) });
    const identity = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false };
    const batch = await writer.finish({ ...identity, compression: 'none' });
    batch[batch.length - 1] = 1;
    const topics = [{ topic, partitions: [{ partition: 0, batch }] }];
    const [produced] = await send(broker, produceRequest({ transactionalId: null, timeoutMs: 1_000, topics }));
    // CORRUPT_MESSAGE: the broker checks what we sum up.
    expect(produced).toEqual({ topic, partition: 0, errorCode: 2, baseOffset: -1 });
  });
});

/** The broker answers in an order of its own. */
function byPartition<Result extends { readonly partition: number }>(results: readonly Result[]): Result[] {
  return results.toSorted((a, b) => a.partition - b.partition);
}

/** The first requests to a new broker find its coordinators still loading. */
async function retried<Result>(request: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt === 100 || (error as { retriable?: boolean }).retriable !== true) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
