import { beforeAll, expect, it } from 'vitest';
import { Kafka, logLevel } from 'kafkajs';
import { describeWithService, kafkaBrokers } from './index.ts';

describeWithService('kafka', 'the shared Kafka', () => {
  let brokers: string[];
  beforeAll(async () => {
    brokers = await kafkaBrokers();
  });

  it('answers', async () => {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
    await admin.disconnect();
  });

  it('is started once', async () => {
    expect(await kafkaBrokers()).toEqual(brokers);
  });
});
