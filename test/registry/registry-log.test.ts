import { afterEach, describe, expect, it } from 'vitest';
import { schemaIdOf } from '../../src/codec/create-codec.ts';
import type { Codec } from '../../src/codec/port.ts';
import { repositorySchemas } from '../../src/codec/registry.ts';
import { PipelineError } from '../../src/errors.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { MemoryStore } from '../../src/log/memory/memory-store.ts';
import type { Log, LogRecord, Task } from '../../src/log/port.ts';
import { compactedTopic, deadLetterTopic, topicNames } from '../../src/log/topics.ts';
import type { RecordId, SourceRecord } from '../../src/record/types.ts';
import { openRegistry, type OpenRegistry } from '../../src/registry/open-registry.ts';
import { startFakeRegistry, type FakeRegistry, type FakeRegistryOptions } from './fake-registry.ts';

const names = topicNames('ns');
const RECORDS = names.records;
const SUBJECT = `${RECORDS}-value`;
const schemaText = (name: string): string =>
  JSON.stringify(repositorySchemas().findLast((schema) => schema.name === name)!.schema);
const sourceRecord = JSON.parse(schemaText('SourceRecord')) as { fields: { name: string }[] };
const logs: Log[] = [];

afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
});

interface Opened extends OpenRegistry {
  readonly log: Log;
}

/** One process: a codec and a log of its own on a store and a registry that others share. */
function open(registry: Pick<FakeRegistry, 'url'>, store = new MemoryStore()): Opened {
  const opened = openRegistry({
    url: registry.url,
    namespace: 'ns',
    timeoutMs: 200,
    retry: { baseMs: 1, capMs: 2, maxAttempts: 3 },
  });
  const log = opened.wrap(createMemoryLog({ store }));
  logs.push(log);
  return { ...opened, log };
}

function recordOf(id: string): SourceRecord {
  return { id: id as RecordId, source: 'test', text: `text of ${id}`, metadata: new Map(), createdAt: 1 };
}

async function append(log: Log, topic: string, values: readonly (Uint8Array | null)[]): Promise<void> {
  const producer = await log.producer('test');
  await producer.append(values.map((value, i) => ({ topic, key: Buffer.from(`k${i}`), value, partition: 0 })));
  await producer.close();
}

/** A task that answers with what it made of each record. */
function collecting(seen: string[], codec: Codec): Task {
  return {
    group: 'collecting',
    inputs: [RECORDS],
    open: () => {
      let next = 0;
      return Promise.resolve({
        process: (records: readonly LogRecord[]) => {
          for (const { value, offset } of records) {
            seen.push(value === null ? 'deleted' : attempt(() => codec.decodeSourceRecord(value).id));
            next = offset + 1;
          }
          return Promise.resolve({ outputs: [], offset: next });
        },
        idle: () => Promise.resolve({ outputs: [], offset: next }),
        close: () => Promise.resolve(),
      });
    },
  };
}

function attempt(call: () => string): string {
  try {
    return call();
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}${error.poison ? ' poison' : ''}`;
    throw error;
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  return error instanceof PipelineError ? `${error.code}: ${error.message}` : String(error);
}

const records = compactedTopic(RECORDS, 1);

describe('topics that are ensured', () => {
  const all = [
    records,
    compactedTopic(names.embeddings('m'), 1),
    compactedTopic(names.ledger('m'), 1),
    compactedTopic(names.sourceLedger('s'), 1),
    compactedTopic(names.shards('parquet'), 1),
    deadLetterTopic(names.deadLetters, 1),
  ];

  it.each<[string, FakeRegistryOptions]>([
    ['Confluent', {}],
    ['Apicurio', { levelNeedsSubject: true }],
    ['a registry with an id a subject', { idsBySchema: false }],
  ])('get their schemas, BACKWARD, each once (%s)', async (_, options) => {
    const registry = await startFakeRegistry(options);
    const first = open(registry);
    await first.log.ensureTopics(all);
    const found = Object.fromEntries(
      [...registry.subjects].map(([subject, ids]) => [
        subject,
        ids.map((id) => registry.schemas.get(Number(id))!.schema),
      ]),
    );
    expect(found).toEqual({
      'ns.records-value': [schemaText('SourceRecord')],
      'ns.embeddings.m-value': [schemaText('Embedding')],
      'ns.ledger.m-value': [schemaText('LedgerEntry')],
      'ns.ledger.source.s-value': [schemaText('LedgerEntry')],
      'ns.shards.parquet-value': [schemaText('ShardDescriptor')],
    });
    expect([...registry.levels]).toHaveLength(5);
    expect(new Set(registry.levels.values())).toEqual(new Set(['BACKWARD']));
    expect((await first.log.topics()).map(({ name }) => name)).toEqual(all.map(({ name }) => name).sort());
    expect(schemaIdOf(first.codec.encodeSourceRecord(recordOf('a')))).toBe(Number(registry.subjects.get(SUBJECT)![0]));

    registry.requests.length = 0;
    await first.log.ensureTopics(all);
    expect(registry.requests).toEqual([]);
    await open(registry).log.ensureTopics(all);
    expect(registry.requests.filter((request) => /^PUT|versions$/.test(request))).toEqual([]);
  });

  it('have a level before they have a schema, where the registry can do so', async () => {
    const registry = await startFakeRegistry();
    await open(registry).log.ensureTopics([records]);
    const writes = registry.requests.filter((request) => /^PUT|versions$/.test(request));
    expect(writes).toEqual([`PUT /config/${SUBJECT}`, `POST /subjects/${SUBJECT}/versions`]);
  });

  it.each([
    ['NONE', 'BACKWARD'],
    ['FORWARD', 'BACKWARD'],
    ['FULL', 'FULL'],
    ['BACKWARD_TRANSITIVE', 'BACKWARD_TRANSITIVE'],
  ])('with the level %s have %s then', async (before, after) => {
    const registry = await startFakeRegistry();
    registry.add(SUBJECT, schemaText('SourceRecord'));
    registry.levels.set(SUBJECT, before);
    await open(registry).log.ensureTopics([records]);
    expect(registry.levels.get(SUBJECT)).toBe(after);
  });

  it('are refused before anything is written when the schema can not read the latest one', async () => {
    const registry = await startFakeRegistry();
    const { fields, ...rest } = sourceRecord;
    const latest = JSON.stringify({ ...rest, fields: fields.filter(({ name }) => name !== 'createdAt') });
    registry.add(SUBJECT, latest);
    const { log } = open(registry);
    const failure = await codeOf(log.ensureTopics(all));
    expect(failure).toMatch(
      /^REGISTRY_INCOMPATIBLE: .*SourceRecord can't read .*"ns\.records-value".*createdAt.*Nothing was written.*another --namespace/,
    );
    expect([...registry.subjects.keys()]).toEqual([SUBJECT]);
    expect(registry.subjects.get(SUBJECT)).toHaveLength(1);
    expect(await log.topics()).toEqual([]);
  });

  it('get a new version when it reads the latest one', async () => {
    const registry = await startFakeRegistry();
    const { fields, ...rest } = sourceRecord;
    registry.add(SUBJECT, JSON.stringify({ ...rest, fields: [...fields, { name: 'language', type: 'string' }] }));
    await open(registry).log.ensureTopics([records]);
    expect(registry.subjects.get(SUBJECT)).toHaveLength(2);
    expect(registry.levels.get(SUBJECT)).toBe('BACKWARD');
  });

  it('are refused when they hold records that were written without this registry', async () => {
    const store = new MemoryStore();
    const registry = await startFakeRegistry();
    const { log, codec } = open(registry, store);
    await log.ensureTopics([records]);
    await append(log, RECORDS, [codec.encodeSourceRecord(recordOf('a'))]);
    // As a registry in memory that was started again.
    const empty = await startFakeRegistry();
    const failure = await codeOf(open(empty, store).log.ensureTopics([records]));
    expect(failure).toMatch(/^REGISTRY_SUBJECT_MISSING: Topic "ns.records" holds records, .*"ns.records-value"/);
    expect(empty.subjects.size).toBe(0);
    await open(registry, store).log.ensureTopics([records]);
  });

  it('are taken as they are when another process has made and filled them in between', async () => {
    const store = new MemoryStore();
    const registry = await startFakeRegistry();
    const other = open(registry, store);
    const inner = createMemoryLog({ store });
    logs.push(inner);
    let asked = 0;
    const { wrap } = openRegistry({ url: registry.url, namespace: 'ns' });
    const log = wrap({
      ensureTopics: (specs) => inner.ensureTopics(specs),
      // Asked after the subject was found missing.
      topics: async () => {
        asked++;
        await other.log.ensureTopics([records]);
        await append(other.log, RECORDS, [other.codec.encodeSourceRecord(recordOf('a'))]);
        return inner.topics();
      },
    } as Partial<Log> as Log);
    await log.ensureTopics([records]);
    expect(asked).toBe(1);
    expect(registry.subjects.get(SUBJECT)).toHaveLength(1);
  });

  it('are not made while the registry does not answer', async () => {
    const registry = await startFakeRegistry();
    registry.always = 503;
    const { log } = open(registry);
    expect(await codeOf(log.ensureTopics([records]))).toMatch(/^REGISTRY_UNREACHABLE/);
    expect(await log.topics()).toEqual([]);
    delete registry.always;
    await log.ensureTopics([records]);
    expect(await log.topics()).toHaveLength(1);
  });
});

describe('records that are read', () => {
  async function written(values: (writer: Opened) => readonly (Uint8Array | null)[], options?: FakeRegistryOptions) {
    const store = new MemoryStore();
    const registry = await startFakeRegistry(options);
    const writer = open(registry, store);
    await writer.log.ensureTopics([records]);
    await append(writer.log, RECORDS, values(writer));
    registry.requests.length = 0;
    return { registry, reader: open(registry, store) };
  }

  it('by a task are decoded by a process that has ensured nothing, with one request an id', async () => {
    const { registry, reader } = await written(({ codec }) => [
      ...['a', 'b', 'c'].map((id) => codec.encodeSourceRecord(recordOf(id))),
      null,
      codec.encodeSourceRecord(recordOf('d')),
    ]);
    const seen: string[] = [];
    await reader.log.run(collecting(seen, reader.codec), { until: 'end', maxBatchRecords: 2 });
    expect(seen).toEqual(['a', 'b', 'c', 'deleted', 'd']);
    expect(registry.requests).toEqual(['GET /subjects', 'GET /schemas/ids/100']);
  });

  it('without a group are decoded, too', async () => {
    const { reader } = await written(({ codec }) => [codec.encodeSourceRecord(recordOf('a'))]);
    for await (const batch of reader.log.read(RECORDS, 0, 0, 1))
      expect(batch.records.map(({ value }) => reader.codec.decodeSourceRecord(value!).id)).toEqual(['a']);
  });

  it('are handed over as they are, not as copies', async () => {
    const store = new MemoryStore();
    const registry = await startFakeRegistry();
    const inner = createMemoryLog({ store });
    const handedOut: (readonly LogRecord[])[] = [];
    const opened = openRegistry({ url: registry.url, namespace: 'ns' });
    const log = opened.wrap({
      ...inner,
      async *read(...args: Parameters<Log['read']>) {
        for await (const batch of inner.read(...args)) {
          handedOut.push(batch.records);
          yield batch;
        }
      },
    });
    await inner.ensureTopics([records]);
    await append(inner, RECORDS, [Buffer.from('x')]);
    const got: (readonly LogRecord[])[] = [];
    for await (const batch of log.read(RECORDS, 0, 0, 1, { transient: true })) got.push(batch.records);
    expect(got).toHaveLength(1);
    expect(got[0]).toBe(handedOut[0]);
    await inner.close();
  });

  it('are poison when their id is not the registry’s, not framed, or of another schema', async () => {
    const strange = (id: number): Buffer => Buffer.from([0, 0, 0, 0, id, 1, 2, 3]);
    const { registry, reader } = await written(({ codec }) => [
      strange(7),
      Buffer.from('plain text'),
      Buffer.from([0, 1]),
      codec.encodeSourceRecord(recordOf('a')),
      strange(101),
      strange(7),
      strange(102),
      strange(103),
    ]);
    registry.add('foreign-value', '{"type":"record","name":"org.other.Thing","fields":[]}');
    registry.add('proto-value', 'syntax = "proto3";', 'PROTOBUF');
    // The text is ours, the language is not.
    registry.add('json-value', `${schemaText('SourceRecord')} `, 'JSON');
    const seen: string[] = [];
    await reader.log.run(collecting(seen, reader.codec), { until: 'end', maxBatchRecords: 1 });
    expect(seen).toEqual([
      'CODEC_UNKNOWN_SCHEMA poison',
      'CODEC_NOT_FRAMED poison',
      'CODEC_NOT_FRAMED poison',
      'a',
      ...Array<string>(4).fill('CODEC_UNKNOWN_SCHEMA poison'),
    ]);
    // An id that is not there is asked for twice, and never again.
    const ids = registry.requests.filter((request) => request.startsWith('GET /schemas')).sort();
    expect(ids).toEqual([100, 101, 102, 103, 7, 7].map((id) => `GET /schemas/ids/${id}`));
  });

  it('are not poison when a node of the registry has their id a moment later', async () => {
    const { registry, reader } = await written(({ codec }) => [codec.encodeSourceRecord(recordOf('a'))]);
    await reader.log.ensureTopics([compactedTopic(names.ledger('m'), 1)]);
    registry.mishaps.push(404);
    const seen: string[] = [];
    await reader.log.run(collecting(seen, reader.codec), { until: 'end' });
    expect(seen).toEqual(['a']);
  });

  it('of several partitions at once share one request', async () => {
    const { registry, reader } = await written(({ codec }) => [codec.encodeSourceRecord(recordOf('a'))]);
    const read = async (): Promise<unknown[]> => {
      const ids: unknown[] = [];
      for await (const { records: batch } of reader.log.read(RECORDS, 0, 0, 1))
        ids.push(...batch.map(({ value }) => reader.codec.decodeSourceRecord(value!).id));
      return ids;
    };
    expect(await Promise.all([read(), read(), read()])).toEqual([['a'], ['a'], ['a']]);
    expect(registry.requests).toEqual(['GET /subjects', 'GET /schemas/ids/100']);
  });

  it.each<[number | 'cut' | 'plain-404', string]>([
    [503, 'REGISTRY_UNREACHABLE'],
    ['cut', 'REGISTRY_UNREACHABLE'],
    [401, 'REGISTRY_NOT_AUTHORIZED'],
    ['plain-404', 'REGISTRY_NOT_CONFLUENT'],
  ])('stop the run when the registry fails with %s, and are nobody’s fault', async (mishap, code) => {
    const { registry, reader } = await written(({ codec }) => [codec.encodeSourceRecord(recordOf('a'))]);
    registry.always = mishap;
    const seen: string[] = [];
    const task = collecting(seen, reader.codec);
    expect(await codeOf(reader.log.run(task, { until: 'end' }))).toMatch(new RegExp(`^${code}`));
    expect(seen).toEqual([]);
    delete registry.always;
    await reader.log.run(task, { until: 'end' });
    expect(seen).toEqual(['a']);
  });

  it('need no registry once their ids are known', async () => {
    const { registry, reader } = await written(({ codec }) => [codec.encodeSourceRecord(recordOf('a'))]);
    const seen: string[] = [];
    const task = collecting(seen, reader.codec);
    await reader.log.run(task, { until: 'end' });
    await registry.stop();
    await reader.log.resetGroup('collecting', [{ topic: RECORDS, partition: 0, offset: 0 }]);
    await reader.log.run(task, { until: 'end' });
    expect(seen).toEqual(['a', 'a']);
  });
});
