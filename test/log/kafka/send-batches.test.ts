import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { batchesOf } from '../../../src/log/kafka/produce-batches.ts';
import { sendBatches } from '../../../src/log/kafka/send-batches.ts';
import type { OutputRecord } from '../../../src/log/port.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { connectedCluster } from './cluster.ts';
import { readRecords } from '../../contracts/log/tasks.ts';

describeWithService('kafka', 'sending batches', () => {
  it('gives the memory of each back once the broker has it', async () => {
    const prefix = `t${randomBytes(6).toString('hex')}.`;
    const topic = `${prefix}sent`;
    const connection = { brokers: await kafkaBrokers(), clientId: 'test' };
    const log = await createKafkaLog({ connection, prefix });
    await log.ensureTopics([{ name: topic, partitions: 2, cleanup: 'delete' }]);
    const cluster = await connectedCluster(connection.brokers);
    const recordsOf = (partition: number): OutputRecord[] =>
      Array.from({ length: 1_000 }, (_, i) => ({
        ...{ topic, partition, key: Buffer.from(`${partition}-${i}`) },
        value: Buffer.alloc(2_000, i),
      }));
    const routed = new Map([[topic, new Map([0, 1].map((partition) => [partition, recordsOf(partition)]))]]);
    const batches = await batchesOf(routed, Date.now(), () => ({
      ...{ producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false },
      compression: 'none',
    }));
    expect(batches.flatMap(({ parts }) => parts.map(({ count }) => count)).length).toBeGreaterThan(4);
    const ranges = await sendBatches(cluster, '', batches, {});
    expect(batches.flatMap(({ parts }) => parts.map(({ bytes }) => bytes.length)).every((length) => length === 0)).toBe(
      true,
    );
    expect(ranges.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([
      [0, 999],
      [0, 999],
    ]);
    for (const partition of [0, 1]) {
      const read = await readRecords(log, topic, partition);
      expect(Buffer.concat(read.map(({ value }) => value ?? Buffer.alloc(0)))).toEqual(
        Buffer.concat(recordsOf(partition).map(({ value }) => value ?? Buffer.alloc(0))),
      );
    }
    await cluster.close();
    await log.close();
  });
});
