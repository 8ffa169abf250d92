import { beforeEach, describe, expect, it } from 'vitest';
import { poisonError } from '../../../src/errors.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import type { Log, LogRecord, PartitionTask } from '../../../src/log/port.ts';
import { compactedTopic, deadLetterTopic, topicNames } from '../../../src/log/topics.ts';
import { createStoreSink, type StoreSink } from '../../../src/sinks/stores/store-sink.ts';
import { codec, embedding, wire } from '../fixtures.ts';
import { MemoryStore } from './memory-store.ts';

const topics = topicNames('test');
const input = topics.embeddings('tiny');
const DIMENSION = 4;

let log: Log;
let store: MemoryStore;
let nowMs: number;

beforeEach(async () => {
  log = createMemoryLog();
  await log.ensureTopics([compactedTopic(input, 1), deadLetterTopic(topics.deadLetters, 1)]);
  store = new MemoryStore();
  nowMs = 0;
});

const good = (i: number): [string, Uint8Array] => [`object-${i}`, wire(embedding(i, DIMENSION))];
const corrupt = (i: number): [string, Uint8Array] => [`object-${i}`, Buffer.from(`corrupt ${i}`)];

async function put(...values: (readonly [string, Uint8Array | null])[]): Promise<void> {
  const producer = await log.producer('test');
  await producer.append(values.map(([id, value]) => ({ topic: input, key: Buffer.from(id), value })));
  await producer.close();
}

function sink(lingerMs?: number): StoreSink {
  const options = { store, group: 'test.sink.s', log, codec, topics, model: 'tiny', dimension: DIMENSION };
  return createStoreSink({ ...options, lingerMs, nowMs: () => nowMs });
}

async function read(topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, 0, 0, 1_000)) records.push(...batch.records);
  return records;
}

async function letters(): Promise<string[]> {
  return (await read(topics.deadLetters)).map(({ key, value, headers }) => {
    const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('latin1');
    const offset = text(headers['__connect.errors.offset']);
    const reason = text(headers['__connect.errors.exception.class.name']);
    return `${text(key)}@${offset} ${reason} ${text(value).startsWith('corrupt') ? text(value) : 'embedding'}`;
  });
}

const committed = async (): Promise<number | undefined> => (await log.groups())[0]?.committed[0]?.offset;

/** The task alone, without the log's transactions. */
async function opened(offset = 0, lingerMs?: number): Promise<PartitionTask> {
  const signal = new AbortController().signal;
  return sink(lingerMs).open({ topic: input, partition: 0, offset, signal, assertOwner: () => Promise.resolve() });
}

describe('the task over a store', () => {
  it('commits what is durable, and dead letters of what is none, each once', async () => {
    await put(good(0), corrupt(1), good(2), ['object-0', null], corrupt(4));
    const run = sink();
    await log.run(run, { until: 'end' });
    expect(store.handed).toEqual([0, 2, 3]);
    expect([...store.rows.keys()]).toEqual(['object-2']);
    expect(await committed()).toBe(5);
    expect(await letters()).toEqual(['object-1@1 CODEC_NOT_FRAMED corrupt 1', 'object-4@4 CODEC_NOT_FRAMED corrupt 4']);
    expect(run.stats()).toMatchObject({ deadLettered: 2, deadLettersByReason: { CODEC_NOT_FRAMED: 2 } });
    await log.run(sink(), { until: 'end' });
    expect([store.handed.length, (await letters()).length]).toEqual([3, 2]);
  });

  it('reports no more than the store has, and a fault only with what is before it', async () => {
    await put(good(0), corrupt(1), good(2), good(3));
    const task = await opened();
    const records = await read(input);
    store.durable = 1;
    expect(await task.process(records)).toMatchObject({ offset: 1, outputs: [] });
    store.faults = [{ offset: 2, error: poisonError('STORE_SAYS_NO', 'no') }];
    store.durable = 3;
    const progress = await task.process([]);
    expect(progress.offset).toBe(3);
    expect(progress.outputs.map(({ key }) => Buffer.from(key!).toString())).toEqual(['object-1', 'object-2']);
    expect(progress.outputs[1]?.value).toEqual(wire(embedding(2, DIMENSION)));
    expect(await task.idle('end')).toMatchObject({ offset: 4, outputs: [] });
  });

  it('refuses an embedding of another length, and what has no key', async () => {
    await put(['object-1', wire(embedding(1, 5))]);
    const producer = await log.producer('keyless');
    await producer.append([{ topic: input, key: null, value: wire(embedding(2, DIMENSION)) }]);
    await log.run(sink(), { until: 'end' });
    expect(await letters()).toEqual(['object-1@0 STORE_DIMENSION embedding', '@1 STORE_NO_KEY embedding']);
  });

  it('hands over nothing that the store has in its own transaction, but finds the faults in it again', async () => {
    await put(good(0), good(1), good(2), good(3));
    store.storedOffset = 3;
    store.refuse = ({ id }) => (id === 'object-1' ? poisonError('STORE_SAYS_NO', 'no') : undefined);
    await log.run(sink(), { until: 'end' });
    expect(store.handed).toEqual([3]);
    expect(await letters()).toEqual(['object-1@1 STORE_SAYS_NO embedding']);
    expect(await committed()).toBe(4);
  });

  it('begins earlier than the group where the store was set back', async () => {
    await put(good(0), good(1), good(2));
    await log.run(sink(), { until: 'end' });
    store.handed.length = 0;
    store.storedOffset = 1;
    store.durable = undefined;
    await log.run(sink(), { until: 'end' });
    expect(store.handed).toEqual([1, 2]);
    expect(await committed()).toBe(3);
  });

  it('does not take more while the store has no room', async () => {
    await put(...Array.from({ length: 50 }, (_, i) => good(i)));
    const { promise, resolve } = Promise.withResolvers<undefined>();
    store.room = promise;
    const running = log.run(sink(), { until: 'end', maxBatchRecords: 5 });
    // The memory log yields once a step: this is many of them.
    for (let i = 0; i < 200; i++) await new Promise<void>((next) => setImmediate(next));
    expect(store.handed).toEqual([]);
    resolve(undefined);
    await running;
    expect(store.handed).toHaveLength(50);
  });

  it('does not let a change wait for others longer than it may, while more trickle in', async () => {
    await put(good(0), good(1), good(2));
    const task = await opened(0, 1_000);
    const records = await read(input);
    await task.process(records.slice(0, 1));
    nowMs = 999;
    expect(await task.process(records.slice(1, 2))).toEqual({ outputs: [] });
    expect(store.flushes).toBe(0);
    nowMs = 1_000;
    expect(await task.process(records.slice(2))).toMatchObject({ offset: 3 });
    expect(store.flushes).toBe(1);
    nowMs = 5_000;
    await task.process([]);
    expect(store.flushes).toBe(1);
  });

  it('drops a dead letter whose record is gone from the log', async () => {
    await put(good(0), good(0));
    const task = await opened();
    await task.process(await read(input));
    await log.compact({ tombstoneRetentionMs: 0 });
    store.faults = [{ offset: 0, error: poisonError('STORE_SAYS_NO', 'no') }];
    expect(await task.idle('end')).toEqual({ outputs: [], offset: 2 });
  });
});
