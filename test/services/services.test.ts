import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  describeWithService,
  kafkaBrokers,
  type OwnServer,
  restartableKafka,
  restartableRegistry,
  schemaRegistryUrl,
} from './index.ts';

function connect(brokers: string[]): Kafka {
  // kafkajs waits 1 s, too little on a machine that starts other servers.
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, connectionTimeout: 20_000, retry: { retries: 1 } });
}

async function topicsOf(brokers: string[]): Promise<string[]> {
  const admin = connect(brokers).admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics;
}

async function createTopic(brokers: string[], topic: string): Promise<void> {
  const admin = connect(brokers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
  await admin.disconnect();
}

describeWithService('kafka', 'the shared Kafka', () => {
  let brokers: string[];
  beforeAll(async () => {
    brokers = await kafkaBrokers();
  });

  it('answers', async () => {
    await createTopic(brokers, 'services-test');
    expect(await topicsOf(brokers)).toContain('services-test');
  });

  it('is started once', async () => {
    expect(await kafkaBrokers()).toEqual(brokers);
  });
});

describeWithService('own-kafka', 'a Kafka of a test’s own', () => {
  let server: OwnServer<string[]>;
  beforeAll(async () => {
    server = await restartableKafka({ 'message.max.bytes': 54_321 });
  });
  afterAll(() => server.remove());

  it('comes back with its data and its address after kill -9 and after a clean end', async () => {
    const { address } = server;
    await createTopic(address, 'kept');
    await server.kill();
    await expect(topicsOf(address)).rejects.toThrow();
    await server.start();
    await server.stop();
    await server.start();
    expect(server.address).toEqual(address);
    expect(await topicsOf(address)).toEqual(['kept']);
  });

  it('takes properties of the test’s own', async () => {
    const admin = connect(server.address).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.BROKER, name: '1', configNames: ['message.max.bytes'] }],
      includeSynonyms: false,
    });
    await admin.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe('54321');
  });
});

async function registerString(url: string, subject: string): Promise<unknown> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '"string"' }),
  });
  return response.json();
}

describeWithService('registry', 'the shared registry', () => {
  it('registers a schema', async () => {
    expect(await registerString(await schemaRegistryUrl(), 'services-test-value')).toEqual({
      id: expect.any(Number) as number,
    });
  });
});

describeWithService('own-registry', 'a registry of a test’s own', () => {
  it('comes back with its ids', async () => {
    const server = await restartableRegistry();
    try {
      const registered = (await registerString(server.address, 'kept')) as { id: number };
      await server.kill();
      await expect(fetch(server.address)).rejects.toThrow();
      await server.start();
      const response = await fetch(`${server.address}/schemas/ids/${registered.id}`);
      expect(await response.json()).toMatchObject({ schema: '"string"' });
    } finally {
      await server.remove();
    }
  });
});
