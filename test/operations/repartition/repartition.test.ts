import { expect, it } from 'vitest';
import { IdentityIndex } from '../../../src/ledger/identity-index.ts';
import { partitionOf } from '../../../src/log/partitioner.ts';
import type { Log, OutputRecord } from '../../../src/log/port.ts';
import { topicNames } from '../../../src/log/topics.ts';
import { listLetters } from '../../../src/operations/dead-letters/list-letters.ts';
import { retryLetters } from '../../../src/operations/dead-letters/retry-letters.ts';
import { readModelColumns } from '../../../src/operations/reconcile/model-columns.ts';
import { reconcileModel } from '../../../src/operations/reconcile/reconcile-model.ts';
import { reconcileSources } from '../../../src/operations/reconcile/reconcile-sources.ts';
import { readRecordColumns } from '../../../src/operations/reconcile/record-columns.ts';
import { repartition, type RepartitionReport } from '../../../src/operations/repartition/repartition.ts';
import { checkCopied } from '../../../src/operations/repartition/target.ts';
import { EmbeddingTask } from '../../../src/processors/embedding-task.ts';
import {
  allRecords,
  CLOCK,
  codec,
  createMemoryLog,
  fakeEmbedder,
  fault,
  latestValues,
  processAll,
  publishRows,
  topics,
  type Row,
} from '../../pipeline-fixtures.ts';

const copyTopics = topicNames('copy');
const model = { name: 'fake', kinds: ['text'] as const, fingerprint: fakeEmbedder().info.fingerprint };
const rows: Row[] = [
  ...Array.from({ length: 40 }, (_, i) => ({ id: `r${i}`, text: `text ${i}` })),
  { id: 'bad', text: 'poison' },
  { id: 'none' },
  fault(7, 'ragged'),
];
const source = (log: Log): Parameters<typeof repartition>[0]['source'] => ({ namespace: 'test', log, codec, topics });

function copy(
  log: Log,
  partitions: number,
  more: { mostIds?: number; signal?: AbortSignal } = {},
): Promise<RepartitionReport> {
  const target = { namespace: 'copy', log, codec, topics: copyTopics };
  const { signal = new AbortController().signal } = more;
  return repartition({ source: source(log), target, partitions, onStage: () => () => undefined, ...more, signal });
}

/** Embeds what is left in the copy; answers with the texts. */
async function embedCopy(log: Log): Promise<{ texts: string[]; read: number }> {
  const embedder = fakeEmbedder();
  const task = new EmbeddingTask({ log, codec, embedder, topics: copyTopics, namespace: 'copy', clock: CLOCK });
  await log.run(task, { until: 'end', maxBatchRecords: 4 });
  return { texts: embedder.calls.flat().sort(), read: task.counts.read };
}

async function differences(log: Log, names = copyTopics): Promise<unknown> {
  const context = { log, codec, topics: names, ids: new IdentityIndex() };
  const records = await readRecordColumns(context, [model.kinds]);
  const columns = await readModelColumns(context, 'fake', records.retries);
  const of = await reconcileModel(context, model, records, columns);
  const sources = await reconcileSources(context, await log.topics(), records);
  return [...of.differences.kept, ...sources.flatMap((each) => each.differences.kept)];
}

/** The same log after somebody has added partitions to all its topics: what is there stays where it is. */
async function grown(before: Log, partitions: number): Promise<Log> {
  const log = createMemoryLog();
  const producer = await log.producer('before');
  for (const { name, cleanup, partitionInfo } of await before.topics()) {
    await log.ensureTopics([{ name, cleanup, partitions }]);
    for (const { partition, endOffset } of partitionInfo)
      for await (const { records } of before.read(name, partition, 0, endOffset))
        await producer.append(records.map((record) => ({ ...record, topic: name, partition })));
  }
  for (const { group, committed } of await before.groups()) await log.resetGroup(group, committed);
  return log;
}

/** The log with one of its methods replaced. */
function withTopics(log: Log, topicsOf: () => ReturnType<Log['topics']>): Log {
  return new Proxy(log, {
    get: (of, name) => {
      if (name === 'topics') return topicsOf;
      const member: unknown = Reflect.get(of, name);
      return typeof member === 'function' ? (member.bind(of) as unknown) : member;
    },
  });
}

it.each([
  [3, 5, undefined],
  [5, 2, undefined],
  [3, 5, 10],
  [1, 4, 1],
])(
  'from %d into %d partitions (%s ids at a time) all is there once, and nothing is embedded again',
  async (from, into, mostIds) => {
    const log = createMemoryLog();
    await publishRows(log, rows, { partitions: from });
    await processAll(log, fakeEmbedder(), {}, from);
    const changed: Row[] = [{ id: 'r1', text: 'other' }, ...rows.filter((row) => !('id' in row && row.id === 'r1'))];
    await publishRows(log, changed.slice(0, -5), { partitions: from, prune: true });
    await processAll(log, fakeEmbedder(), {}, from);
    expect(await differences(log, topics)).toEqual([]);

    const report = await copy(log, into, mostIds === undefined ? {} : { mostIds });
    expect(report).toMatchObject({ isFresh: true, topics: { length: 5 } });
    for (const { from: name, into: copied } of report.topics) {
      const ids = (records: Awaited<ReturnType<typeof allRecords>>): string[] =>
        records.map(({ key }) => Buffer.from(key ?? []).toString());
      const copies = await allRecords(log, copied);
      const live = new Map(
        (await allRecords(log, name)).map(({ key, value }) => [Buffer.from(key ?? []).toString(), value]),
      );
      const expected = [...live].flatMap(([id, value]) => (value === null ? [] : [id]));
      expect(ids(copies).sort(), copied).toEqual(expected.sort());
      const info = (await log.topics()).find((each) => each.name === copied);
      expect(info?.partitions).toBe(into);
      for (const { partition, endOffset } of info?.partitionInfo ?? [])
        for await (const batch of log.read(copied, partition, 0, endOffset))
          expect(ids([...batch.records]).filter((id) => partitionOf(Buffer.from(id), into) !== partition)).toEqual([]);
    }
    expect(await differences(log)).toEqual([]);
    expect(await embedCopy(log)).toEqual({ texts: [], read: 0 });
    expect(await differences(log)).toEqual([]);
  },
);

it('embeds in the copy what was not embedded before, and begins just there', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 1 });
  await processAll(log, fakeEmbedder(), {}, 1);
  await publishRows(log, [...rows, { id: 'new', text: 'new' }], { partitions: 1 });
  await copy(log, 1);
  expect(await embedCopy(log)).toEqual({ texts: ['new'], read: 1 });
  expect(await differences(log)).toEqual([]);
});

it('of a topic that has grown takes the newest of what is in several partitions', async () => {
  const before = createMemoryLog();
  await publishRows(before, rows, { partitions: 3 });
  await processAll(before, fakeEmbedder(), {}, 3);
  const log = await grown(before, 6);
  const moved = Array.from({ length: 40 }, (_, i) => `r${i}`).filter(
    (id) => partitionOf(Buffer.from(id), 3) !== partitionOf(Buffer.from(id), 6),
  );
  const [changed = '', deleted = '', unread = ''] = moved;
  const producer = await log.producer('another program');
  const valueOf = async (id: string, text: string): Promise<Uint8Array> => {
    const other = createMemoryLog();
    await publishRows(other, [{ id, text }]);
    return (await allRecords(other, topics.records))[0]?.value ?? new Uint8Array();
  };
  const at = (id: string, value: Uint8Array | null): OutputRecord => ({
    topic: topics.records,
    key: Buffer.from(id),
    value,
  });
  await producer.append([at(changed, await valueOf(changed, 'newer')), at(deleted, null)]);
  // All topics have six now: only the keys show it.
  await expect(processAll(log, fakeEmbedder(), {}, 6)).rejects.toThrow(
    expect.objectContaining({ code: 'LOG_PARTITION_MISMATCH' }),
  );
  await expect(publishRows(log, rows, { partitions: 6 })).rejects.toThrow('--partitions=6 --into=NAMESPACE');
  await producer.append([at(unread, await valueOf(unread, 'newest'))]);

  await copy(log, 6);
  expect(await embedCopy(log)).toMatchObject({ texts: ['newer', 'newest'] });
  const context = { log, codec, topics: copyTopics, ids: new IdentityIndex() };
  const records = await readRecordColumns(context, [model.kinds]);
  const columns = await readModelColumns(context, 'fake', records.retries);
  // 42 records less the deleted one; one has no text.
  expect(await reconcileModel(context, model, records, columns)).toMatchObject({
    records: 41,
    embedded: 39,
    deadLettered: 1,
    notApplicable: 1,
    differences: { total: 0 },
  });
  const ids = (await allRecords(log, copyTopics.embeddings('fake'))).map(({ key }) =>
    Buffer.from(key ?? []).toString(),
  );
  expect(ids).not.toContain(deleted);
});

it('goes on where it was stopped, with what came since; then it is done', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 2 });
  await processAll(log, fakeEmbedder(), {}, 2);
  const stop = new AbortController();
  const target = { namespace: 'copy', log, codec, topics: copyTopics };
  const stopped = repartition({
    ...{ source: source(log), target, partitions: 3, signal: stop.signal },
    onStage: (name) => (read) => {
      if (name.startsWith('ledger fake') && read > 50) stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  await publishRows(log, [{ id: 'r0', text: 'changed' }, ...rows.slice(2), { id: 'new', text: 'new' }], {
    ...{ partitions: 2, prune: true },
  });
  await processAll(log, fakeEmbedder(), {}, 2);
  expect(await copy(log, 3)).toMatchObject({ isFresh: false });
  expect((await embedCopy(log)).texts).toEqual([]);
  expect(await differences(log)).toEqual([]);
  for (const [name, copied] of [
    [topics.records, copyTopics.records],
    [topics.embeddings('fake'), copyTopics.embeddings('fake')],
    [topics.sourceLedger('rows'), copyTopics.sourceLedger('rows')],
  ] as const)
    expect(await latestValues(log, copied)).toEqual(await latestValues(log, name));
  await expect(copy(log, 3)).rejects.toThrow('is a finished copy');
});

it('refuses a namespace that has something else in it, none at all, and its own', async () => {
  const log = createMemoryLog();
  await expect(copy(log, 2)).rejects.toThrow('nothing to copy');
  await publishRows(log, rows, { partitions: 2 });
  await expect(
    repartition({
      ...{ source: source(log), target: source(log), partitions: 3, signal: new AbortController().signal },
      onStage: () => () => undefined,
    }),
  ).rejects.toThrow('choose another one');
  await publishRows(log, rows.slice(0, 1), { partitions: 1, topics: copyTopics });
  await expect(copy(log, 2)).rejects.toThrow('"copy" is not empty');
});

it('prefers what lies beside the version of the record that counts, also when something older was written later', async () => {
  const before = createMemoryLog();
  await publishRows(before, rows, { partitions: 3 });
  await processAll(before, fakeEmbedder(), {}, 3);
  const log = await grown(before, 6);
  const id = 'r1';
  const [from, home] = [3, 6].map((count) => partitionOf(Buffer.from(id), count));
  expect(from).not.toBe(home);
  const after = createMemoryLog();
  await publishRows(after, [{ id, text: 'newer' }]);
  await processAll(after, fakeEmbedder());
  const producer = await log.producer('two processors');
  const names = [topics.embeddings('fake'), topics.ledger('fake')];
  const timestampMs = Date.now() + 1_000;
  for (const [name, at] of [[topics.records, 0], ...names.map((each) => [each, 0] as const)] as const) {
    const [record] = await allRecords(after, name);
    if (record !== undefined)
      await producer.append([{ ...record, topic: name, partition: home ?? 0, timestampMs: timestampMs + at }]);
  }
  // The processor of the old partition came to its version only then.
  for (const name of names) {
    const late = (await allRecords(before, name)).findLast(({ key }) => Buffer.from(key ?? []).toString() === id);
    if (late !== undefined)
      await producer.append([{ ...late, topic: name, partition: from ?? 0, timestampMs: timestampMs + 9 }]);
  }
  await log.resetGroup('test.processor.fake', [{ topic: topics.records, partition: home ?? 0, offset: 1_000 }]);
  await copy(log, 6);
  expect((await embedCopy(log)).texts).toEqual([]);
  expect(await differences(log)).toEqual([]);
});

it('takes dead letters along in the state in which they are', async () => {
  const log = createMemoryLog();
  const bad: Row[] = [
    { id: 'waiting', text: 'poison 1' },
    { id: 'bad', text: 'poison 2' },
    { id: 'mended', text: 'poison 3' },
  ];
  await publishRows(log, [...rows.slice(0, 20), ...bad], { partitions: 1 });
  await processAll(log, fakeEmbedder());
  await publishRows(log, [...rows.slice(0, 20), ...bad.slice(0, 2), { id: 'mended', text: 'good' }], { partitions: 1 });
  await processAll(log, fakeEmbedder());
  const from = { log, codec, topics, namespace: 'test' };
  await retryLetters(from, { ids: ['waiting'] }, {});
  const states = async (context: Parameters<typeof listLetters>[0]): Promise<unknown> =>
    (await listLetters(context, {}, 10)).letters.map(({ id, state }) => [id, state]).sort();
  const expected = [
    ['bad', 'open'],
    ['mended', 'resolved'],
    ['waiting', 'retried'],
  ];
  expect(await states(from)).toEqual(expected);
  await copy(log, 5);
  const to = { log, codec, topics: copyTopics, namespace: 'copy' };
  expect(await states(to)).toEqual(expected);
  const context = { ...to, ids: new IdentityIndex() };
  const records = await readRecordColumns(context, [model.kinds]);
  const columns = await readModelColumns(context, 'fake', records.retries);
  expect(await reconcileModel(context, model, records, columns)).toMatchObject({ retried: 1, deadLettered: 1 });
  expect((await embedCopy(log)).texts).toEqual(['poison 1']);
  expect(await states(to)).toEqual([
    ['bad', 'open'],
    ['mended', 'resolved'],
    ['waiting', 'open'],
    ['waiting', 'superseded'],
  ]);
  expect(await retryLetters(to, { ids: ['bad'] }, {})).toMatchObject({ published: 1 });
});

it('takes what was published right after its look at the source', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 2 });
  let looks = 0;
  const busy = withTopics(log, async () => {
    const seen = await log.topics();
    if (++looks === 1) await publishRows(log, [...rows, { id: 'late', text: 'late' }], { partitions: 2 });
    return seen;
  });
  const target = { namespace: 'copy', log, codec, topics: copyTopics };
  const met = repartition({
    ...{ source: source(busy), target, partitions: 3, signal: new AbortController().signal },
    onStage: () => () => undefined,
  });
  await expect(met).rejects.toThrow(expect.objectContaining({ code: 'NAMESPACE_IN_USE' }));
  await copy(log, 3);
  expect(await latestValues(log, copyTopics.records)).toEqual(await latestValues(log, topics.records));
});

it('does not take what another process still has to copy for copied', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 2 });
  const target = { namespace: 'copy', log, codec, topics: copyTopics };
  const records = (await log.topics()).find(({ name }) => name === topics.records);
  if (records === undefined) throw new Error('no records');
  const [group, topic] = ['copy.repartition.1-of-1', records.name];
  const ends = records.partitionInfo.map(({ partition, endOffset: offset }) => ({ topic, partition, offset }));
  await log.resetGroup(group, ends.slice(0, 1));
  await expect(checkCopied(target, group, records)).rejects.toThrow(`${topic}/1 is not copied to its end`);
  await log.resetGroup(group, ends);
  await checkCopied(target, group, records);
});

it('refuses a namespace that gets records meanwhile, and takes them when it is run again', async () => {
  const log = createMemoryLog();
  await publishRows(log, rows, { partitions: 2 });
  await processAll(log, fakeEmbedder(), {}, 2);
  let looks = 0;
  const busy = withTopics(log, async () => {
    if (++looks === 2) await publishRows(log, [...rows, { id: 'late', text: 'late' }], { partitions: 2 });
    return log.topics();
  });
  const target = { namespace: 'copy', log, codec, topics: copyTopics };
  const met = repartition({
    ...{ source: source(busy), target, partitions: 3, signal: new AbortController().signal },
    onStage: () => () => undefined,
  });
  await expect(met).rejects.toThrow(expect.objectContaining({ code: 'NAMESPACE_IN_USE' }));
  await copy(log, 3);
  expect(await embedCopy(log)).toMatchObject({ texts: ['late'] });
  expect(await differences(log)).toEqual([]);
});
