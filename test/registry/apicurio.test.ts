import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schemaIdOf } from '../../src/codec/create-codec.ts';
import { repositorySchemas } from '../../src/codec/registry.ts';
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../src/log/port.ts';
import { compactedTopic, deadLetterTopic, topicNames, type TopicNames } from '../../src/log/topics.ts';
import { ensureProcessorTopics, EmbeddingTask } from '../../src/processors/embedding-task.ts';
import { openRegistry, type OpenRegistry } from '../../src/registry/open-registry.ts';
import { allRecords, CLOCK, fakeEmbedder, publishRows, vectorOf } from '../pipeline-fixtures.ts';
import { pythonEnvironment, runPython, type PythonEnvironment } from '../python/environment.ts';
import { describeWithService, restartableRegistry, schemaRegistryUrl, type OwnServer } from '../services/index.ts';

type Seen = Record<string, [offset: number, key: string, value: Record<string, unknown> | null][]>;
interface Opened extends OpenRegistry {
  readonly log: Log;
}

const RUN = `test${process.pid}x${Date.now()}`;
const QUICK = { baseMs: 20, capMs: 50, maxAttempts: 4 };
const ROWS = [
  { id: 'a', text: 'a bronze dragon', metadata: { Title: 'Gefäß «1» 👩‍🚀', shelf: '7' } },
  { id: 'b', text: 'a silk carpet' },
  { id: 'c', text: 'this is poison' },
];
const schemaOf = (name: string): { fields: { name: string }[] } =>
  repositorySchemas().findLast((schema) => schema.name === name)!.schema as { fields: { name: string }[] };

let folder = '';
let url = '';
let namespace = '';
let topics: TopicNames;
let namespaces = 0;
let log: Log | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-registry-'));
  namespace = `${RUN}x${++namespaces}`;
  topics = topicNames(namespace);
});

afterEach(async () => {
  await log?.close();
  log = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** As a new process: it knows no id, and the log is the one in the test's folder. */
async function open(address = url): Promise<Opened> {
  await log?.close();
  const registry = openRegistry({ url: address, namespace, retry: QUICK });
  log = registry.wrap(await createEmbeddedLog({ dataDir: folder, clock: CLOCK }));
  return { ...registry, log };
}

async function ask(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return response.json();
}

async function processAll(opened: Opened): Promise<EmbeddingTask> {
  const embedder = fakeEmbedder();
  await ensureProcessorTopics(opened.log, topics, 'fake', 1);
  const task = new EmbeddingTask({ ...opened, embedder, topics, namespace, clock: CLOCK });
  await opened.log.run(task, { until: 'end' });
  return task;
}

describeWithService('registry', 'a real schema registry', () => {
  beforeAll(async () => {
    url = await schemaRegistryUrl();
  });

  it('has our schemas under the subjects of the topics, BACKWARD, under the ids in the values', async () => {
    const { log, codec } = await open();
    const expected = {
      [topics.records]: 'SourceRecord',
      [topics.embeddings('m')]: 'Embedding',
      [topics.ledger('m')]: 'LedgerEntry',
      [topics.sourceLedger('s')]: 'LedgerEntry',
      [topics.shards('parquet')]: 'ShardDescriptor',
    };
    await log.ensureTopics(Object.keys(expected).map((topic) => compactedTopic(topic, 1)));
    for (const [topic, name] of Object.entries(expected)) {
      const latest = (await ask(`/subjects/${topic}-value/versions/latest`)) as { schema: string; version: number };
      expect(latest.version).toBe(1);
      expect(JSON.parse(latest.schema)).toEqual(schemaOf(name));
      expect(await ask(`/config/${topic}-value`)).toEqual({ compatibilityLevel: 'BACKWARD' });
    }
    const value = codec.encodeSourceRecord({ id: 'a' as never, source: 's', metadata: new Map(), createdAt: 1 });
    const byId = (await ask(`/schemas/ids/${schemaIdOf(value)}`)) as { schema: string };
    expect(JSON.parse(byId.schema)).toEqual(schemaOf('SourceRecord'));
    await (await open()).log.ensureTopics([compactedTopic(topics.records, 1)]);
    expect(await ask(`/subjects/${topics.records}-value/versions`)).toEqual([1]);
  });

  it('says why it refuses a change that is not BACKWARD, and nothing is written', async () => {
    const subject = `${topics.records}-value`;
    const { fields, ...rest } = schemaOf('SourceRecord');
    const without = fields.filter(({ name }) => name !== 'createdAt');
    const schema = JSON.stringify({ ...rest, fields: without });
    await ask(`/subjects/${subject}/versions`, { schema });
    const { log } = await open();
    await expect(ensureProcessorTopics(log, topics, 'm', 1)).rejects.toMatchObject({
      code: 'REGISTRY_INCOMPATIBLE',
      retriable: false,
      message: expect.stringMatching(/SourceRecord can't read.*createdAt/s) as unknown,
    });
    expect(await log.topics()).toEqual([]);
    expect(await ask(`/subjects/${subject}/versions`)).toEqual([1]);
    expect(await ask('/subjects')).not.toContain(`${topics.embeddings('m')}-value`);
  });

  it('takes a later version that reads the present one, and we go on to read and to be written', async () => {
    const subject = `${topics.records}-value`;
    const opened = await open();
    await publishRows(opened.log, ROWS, { topics, codec: opened.codec });
    const present = schemaOf('SourceRecord');
    const later = { ...present, fields: [...present.fields, { name: 'shelf', type: ['null', 'int'], default: null }] };
    const { id } = (await ask(`/subjects/${subject}/versions`, { schema: JSON.stringify(later) })) as { id: number };
    const again = await open();
    await publishRows(again.log, [{ id: 'd', text: 'new' }], { topics, codec: again.codec });
    const ids = (await allRecords(again.log, topics.records)).map(({ value }) => schemaIdOf(value!));
    expect(new Set(ids).size).toBe(1);
    expect(ids).not.toContain(id);
    expect((await processAll(again)).counts).toMatchObject({ read: 4, embedded: 3, deadLettered: 1 });
  });

  describe('and a consumer in Python', () => {
    let environment: PythonEnvironment;
    beforeAll(async () => {
      environment = await pythonEnvironment();
    });

    it('reads records, embeddings and ledgers with Confluent’s deserializer', async (context) => {
      if (!('python' in environment)) return context.skip(environment.missing);
      const opened = await open();
      await publishRows(opened.log, ROWS, { topics, codec: opened.codec });
      expect((await processAll(opened)).counts).toMatchObject({ embedded: 2, deadLettered: 1 });
      const file = join(folder, 'records.jsonl');
      const wanted = [topics.records, topics.embeddings('fake'), topics.ledger('fake'), topics.sourceLedger('rows')];
      const lines: string[] = [];
      for (const topic of wanted) {
        for (const { offset, key, value } of await allRecords(opened.log, topic)) {
          const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('base64');
          lines.push(JSON.stringify({ topic, offset, key: text(key), value: value && text(value) }));
        }
      }
      writeFileSync(file, lines.join('\n'));
      const seen = (await runPython(environment.python, 'read_topics.py', [url, 'file', file])) as Seen;

      expect(Object.keys(seen)).toEqual(wanted);
      const values = (topic: string): unknown[] => seen[topic]!.map(([, , value]) => value);
      const records = await allRecords(opened.log, topics.records);
      const decoded = records.map(({ value }) => opened.codec.decodeSourceRecord(value!));
      expect(values(topics.records)).toEqual(
        decoded.map((record) => ({
          ...{ image: null, imageHash: null, page: null, chunk: null },
          ...record,
          metadata: Object.fromEntries(record.metadata),
        })),
      );
      expect(decoded.map(({ text }) => text)).toEqual(ROWS.map(({ text }) => text));
      const vectors = ROWS.slice(0, 2).map(({ text }) => [...vectorOf(text)]);
      expect(values(topics.embeddings('fake'))).toMatchObject([
        { recordId: 'a', model: 'fake', dimension: 4, vector: vectors[0], metadata: ROWS[0]!.metadata },
        { recordId: 'b', model: 'fake', dimension: 4, vector: vectors[1], metadata: {} },
      ]);
      expect(values(topics.ledger('fake'))).toMatchObject([
        ...['EMBEDDED', 'EMBEDDED', 'DEAD_LETTERED'].map((outcome, offset) => ({ outcome, offset })),
      ]);
      expect(values(topics.sourceLedger('rows'))).toHaveLength(3);
    });
  });
});

describeWithService('own-registry', 'a real schema registry that goes away', () => {
  let server: OwnServer<string>;
  beforeAll(async () => {
    server = await restartableRegistry();
  });
  afterAll(async () => {
    await server.remove();
  });

  it('stops a run that has to ask it, makes no dead letter, and the next run goes on', async () => {
    const writer = await open(server.address);
    await publishRows(writer.log, ROWS, { topics, codec: writer.codec });
    expect((await processAll(writer)).counts).toMatchObject({ read: 3, embedded: 2, deadLettered: 1 });
    await publishRows(writer.log, [...ROWS, { id: 'd', text: 'late' }], { topics, codec: writer.codec });

    const reader = await open(server.address);
    // All but the records topic: their id is still to be learnt.
    await reader.log.ensureTopics([
      compactedTopic(topics.embeddings('fake'), 1),
      compactedTopic(topics.ledger('fake'), 1),
      deadLetterTopic(topics.deadLetters, 1),
    ]);
    const task = (): EmbeddingTask =>
      new EmbeddingTask({ ...reader, embedder: fakeEmbedder(), topics, namespace, clock: CLOCK });
    await server.kill();
    await expect(reader.log.run(task(), { until: 'end' })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(await deadLetters(reader.log)).toBe(1);

    await server.start();
    const next = task();
    await reader.log.run(next, { until: 'end' });
    expect(next.counts).toMatchObject({ read: 1, embedded: 1, deadLettered: 0 });
    expect(await deadLetters(reader.log)).toBe(1);
  });

  async function deadLetters(log: Log): Promise<number> {
    const info = (await log.topics()).find(({ name }) => name === topics.deadLetters);
    return (info?.partitionInfo ?? []).reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
  }
});
