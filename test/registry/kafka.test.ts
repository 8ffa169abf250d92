import { afterEach, beforeAll, expect, it } from 'vitest';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/port.ts';
import { topicNames } from '../../src/log/topics.ts';
import { ensureProcessorTopics, EmbeddingTask } from '../../src/processors/embedding-task.ts';
import { openRegistry } from '../../src/registry/open-registry.ts';
import { CLOCK, fakeEmbedder, publishRows, vectorOf } from '../pipeline-fixtures.ts';
import { pythonEnvironment, runPython, type PythonEnvironment } from '../python/environment.ts';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService, kafkaBrokers, schemaRegistryUrl } from '../services/index.ts';

type Seen = Record<string, [offset: number, key: string, value: Record<string, unknown> | null][]>;

const PARTITIONS = 2;
const ROWS = Array.from({ length: 40 }, (_, i) => ({
  id: `r${i}`,
  text: i % 10 === 9 ? `poison ${i}` : `object ${i}, 青銅器`,
  metadata: { Title: `Vase ${i}` },
}));
const namespace = `registry-test-${process.pid}-${Date.now()}`;
const topics = topicNames(namespace);
let log: Log | undefined;

afterEach(async () => {
  await log?.close();
});

describeWithService('kafka', 'Kafka and a schema registry', () => {
  describeWithService('registry', 'read by a consumer in Python', () => {
    let brokers: string[];
    let url: string;
    let environment: PythonEnvironment;
    beforeAll(async () => {
      [brokers, url, environment] = await Promise.all([kafkaBrokers(), schemaRegistryUrl(), pythonEnvironment()]);
    });

    it('have records, embeddings and ledgers that Confluent’s client reads', async (context) => {
      if (!('python' in environment)) return context.skip(environment.missing);
      const { codec, wrap } = openRegistry({ url, namespace });
      const connection = { brokers, clientId: 'registry-test' };
      log = wrap(await createKafkaLog({ connection, prefix: `${namespace}.`, clock: CLOCK }));
      const say = saidOnFailure();
      say('connected');
      await publishRows(log, ROWS, { topics, codec, partitions: PARTITIONS });
      await ensureProcessorTopics(log, topics, 'fake', PARTITIONS);
      const task = new EmbeddingTask({ log, codec, embedder: fakeEmbedder(), topics, namespace, clock: CLOCK });
      await log.run(task, { until: 'end' });
      say('embedded');
      expect(task.counts).toMatchObject({ read: 40, embedded: 36, deadLettered: 4 });

      const wanted = [topics.records, topics.embeddings('fake'), topics.ledger('fake')];
      const args = [url, 'kafka', brokers.join(','), ...wanted];
      const seen = (await runPython(environment.python, 'read_topics.py', args)) as Seen;
      say('read');
      const embedded = ROWS.filter(({ text }) => !text.startsWith('poison'));
      const byId = (topic: string): unknown[] =>
        ROWS.flatMap(({ id }) => seen[topic]!.filter(([, key]) => key === id).map(([, , value]) => value));
      expect(byId(topics.records)).toMatchObject(ROWS);
      expect(byId(topics.embeddings('fake'))).toMatchObject(
        embedded.map(({ id, text, metadata }) => ({ recordId: id, text, metadata, vector: [...vectorOf(text)] })),
      );
      expect(byId(topics.ledger('fake'))).toMatchObject(
        ROWS.map((row) => ({ outcome: embedded.includes(row) ? 'EMBEDDED' : 'DEAD_LETTERED' })),
      );
      // Nothing beside them, and nothing twice.
      expect(wanted.map((topic) => seen[topic]!.length)).toEqual([40, 36, 40]);
      // It takes 3 s; once in some 140 runs it took more than a minute, for a reason not found: what it says then tells where.
    }, 150_000);
  });
});
