import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { KafkaFetcher } from '../../../src/log/kafka/kafka-fetcher.ts';
import { OpenTransactionWait } from '../../../src/log/kafka/open-transaction.ts';
import type { RetriedOperation } from '../../../src/log/observer.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { connectedCluster } from './cluster.ts';

const PLACE = { topic: 'ns.records', partition: 2, offset: 237 };
const OPEN = { lastStableOffset: 237, highWatermark: 241 };

describe('waiting for a transaction to end', () => {
  it('speaks of it after the time it may take, and again as often', () => {
    let nowMs = 1_000;
    const wait = new OpenTransactionWait(PLACE, 60_000, () => nowMs);
    const said: string[] = [];
    for (; nowMs <= 131_000; nowMs += 250) {
      const retry = wait.polled(OPEN, 250);
      if (retry !== undefined) said.push(`${(nowMs - 1_000) / 1_000} s: ${retry.error.message}`);
    }
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(/^60 s: ns\.records\/2 can't be read beyond offset 237: for 60 s a transaction there/);
    expect(said[1]).toMatch(/^120 s: .*for 120 s/);
  });

  it('says nothing where there is nothing more, and begins anew when reading went on', () => {
    let nowMs = 0;
    const wait = new OpenTransactionWait(PLACE, 1_000, () => nowMs);
    const at = (ms: number, offsets: typeof OPEN): RetriedOperation | undefined => {
      nowMs = ms;
      return wait.polled(offsets, 250);
    };
    const end = { lastStableOffset: 237, highWatermark: 237 };
    expect(at(0, end)).toBeUndefined();
    expect(at(5_000, end)).toBeUndefined();
    expect(at(6_000, OPEN)).toBeUndefined();
    expect(at(6_900, end)).toBeUndefined();
    expect(at(7_100, OPEN)).toBeUndefined();
    expect(at(8_100, OPEN)?.place).toEqual(PLACE);
  });
});

describeWithService('kafka', 'a transaction that does not end', () => {
  it('is told of by whoever waits for it, which reads on once it ends', async () => {
    const prefix = `t${randomBytes(6).toString('hex')}.`;
    const topic = `${prefix}open`;
    const brokers = await kafkaBrokers();
    const connection = { brokers, clientId: 'test' };
    const log = await createKafkaLog({ connection, prefix });
    await log.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete' }]);
    await log.close();
    const kafka = new Kafka({ brokers, clientId: 'writer', logLevel: logLevel.NOTHING });
    const writer = kafka.producer({ transactionalId: `${prefix}w`, idempotent: true, maxInFlightRequests: 1 });
    await writer.connect();
    const transaction = await writer.transaction();
    await transaction.send({ topic, acks: -1, messages: [{ key: 'k', value: 'v' }] });

    const cluster = await connectedCluster(connection.brokers);
    const told: RetriedOperation[] = [];
    const fetcher = new KafkaFetcher({
      cluster,
      pollCluster: cluster,
      bounds: () => Promise.resolve({ startOffset: 0, endOffset: 2 }),
      openTransactionMs: 300,
      onWait: (retry) => {
        told.push(retry);
        if (told.length === 2) void transaction.commit();
      },
    });
    const fetched = await fetcher.fetch({ topic, partition: 0, from: 0, to: 2, maxBytes: 1_000 });
    expect(fetched.take(1_000)).toHaveLength(1);
    expect(told[0]).toMatchObject({ operation: 'fetch', place: { topic, partition: 0, offset: 0 } });
    expect(told[0]?.error).toMatchObject({ code: 'LOG_TRANSACTION_OPEN', retriable: true });
    await cluster.close();
    await writer.disconnect();
  });
});
