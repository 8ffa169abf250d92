import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log, LogRecord } from '../../src/log/port.ts';
import { IdentityIndex } from '../../src/ledger/identity-index.ts';
import { readModelColumns } from '../../src/operations/reconcile/model-columns.ts';
import { reconcileModel, type ModelToReconcile } from '../../src/operations/reconcile/reconcile-model.ts';
import { reconcileSink, sinkToReconcile } from '../../src/operations/reconcile/reconcile-sink.ts';
import { reconcileSources } from '../../src/operations/reconcile/reconcile-sources.ts';
import { readRecordColumns } from '../../src/operations/reconcile/record-columns.ts';
import type { ShardDescriptor } from '../../src/record/types.ts';
import { retryLetters } from '../../src/operations/dead-letters/retry-letters.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../src/processors/embedding-task.ts';
import { createFileSink } from '../../src/sinks/file-sink.ts';
import { gatherRows } from '../../src/sinks/open-shard.ts';
import { createShardFormat } from '../../src/sinks/worker-format.ts';
import {
  CLOCK,
  allRecords,
  codec,
  createMemoryLog,
  fakeEmbedder,
  latestValues,
  processAll,
  publishRows,
  topics,
  type Row,
} from '../pipeline-fixtures.ts';

const rows: Row[] = [
  ...Array.from({ length: 8 }, (_, i) => ({ id: `r${i}`, text: `text ${i}` })),
  { id: 'bad', text: 'poison' },
  { id: 'none' },
];
const model = { name: 'fake', kinds: ['text'] as const, fingerprint: fakeEmbedder().info.fingerprint };

let folder: string;
let log: Log;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedstream-reconcile-'));
  log = createMemoryLog();
  await publishRows(log, rows);
  await processAll(log, fakeEmbedder());
});

afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

async function writeShards(sinkName = 'files', shardRows = 3): Promise<string> {
  const options = { format: 'parquet', log, codec, topics, model: 'fake', dimension: 4 } as const;
  const out = join(folder, sinkName);
  const sink = createFileSink({ ...options, out, sinkName, shardRows, clock: CLOCK });
  await log.run(sink, { until: 'end' });
  await sink.close();
  return sink.folder;
}

async function descriptors(): Promise<ShardDescriptor[]> {
  const values = await latestValues(log, topics.shards('files'));
  return [...values.values()].map((value) => codec.decodeShardDescriptor(value));
}

/** Writes a shard of these records and commits it, so that only its rows can tell that it is wrong. */
async function forgeShard(shard: ShardDescriptor, records: readonly LogRecord[]): Promise<void> {
  const format = createShardFormat({ format: 'parquet' });
  const writer = await format.open({ stagingFolder: folder, dimension: 4, model: 'fake' });
  await writer.write(gatherRows(records, 0, records.length, { codec, writer }));
  const { files } = await writer.finish(shard.name);
  await format.close();
  for (const { name, stagedPath } of files) await rename(stagedPath, join(shard.location, name));
  const forged = { ...shard, files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) };
  await append(topics.shards('files'), shard.name, Uint8Array.from(codec.encodeShardDescriptor(forged)));
}

async function append(topic: string, id: string, value: Uint8Array | null): Promise<void> {
  const producer = await log.producer('by-hand');
  await producer.append([{ topic, key: Buffer.from(id), value }]);
  await producer.close();
}

const newContext = () => ({ log, codec, topics, ids: new IdentityIndex() });

async function reconciled(of: ModelToReconcile = model) {
  const context = newContext();
  const records = await readRecordColumns(context, [of.kinds]);
  return reconcileModel(context, of, records, await readModelColumns(context, of.name, records.retries));
}

async function reconciledSink(name = 'files') {
  const context = newContext();
  const sink = await sinkToReconcile(context, name);
  return reconcileSink(context, sink!, (await readModelColumns(context, 'fake')).versions);
}

const sinkDifferences = async () => (await reconciledSink()).differences.kept;

describe('reconcileModel', () => {
  it('adds up after a whole run', async () => {
    const result = await reconciled();
    expect(result).toMatchObject({ records: 10, embedded: 8, deadLettered: 1, notApplicable: 1 });
    expect(result.differences.kept).toEqual([]);
  });

  it('counts a retry that was not processed yet apart, and a record that failed again as one dead letter', async () => {
    const context = { log, codec, topics, namespace: 'test' };
    expect(await retryLetters(context, {})).toMatchObject({ published: 1 });
    const sum = { records: 10, embedded: 8, notApplicable: 1 };
    const queued = await reconciled();
    expect([queued.differences.total, queued]).toMatchObject([0, { ...sum, deadLettered: 0, retried: 1 }]);
    await processAll(log, fakeEmbedder());
    const again = await reconciled();
    expect([again.differences.total, again]).toMatchObject([0, { ...sum, deadLettered: 1, retried: 0 }]);
  });

  it('counts a value that is no record as the dead letter that it is', async () => {
    await append(topics.records, 'corrupt', Buffer.from('no record'));
    await processAll(log, fakeEmbedder());
    const result = await reconciled();
    expect([result.differences.total, result]).toMatchObject([0, { records: 11, embedded: 8, deadLettered: 2 }]);
  });

  it('names records that are new, changed or not yet deleted', async () => {
    await publishRows(log, [{ id: 'new', text: 'new' }, { id: 'r1', text: 'changed' }, ...rows.slice(2)], {
      prune: true,
    });
    expect((await reconciled()).differences.kept).toEqual([
      { kind: 'not-processed', id: 'new' },
      { kind: 'not-processed', id: 'r1' },
      { kind: 'ledger-orphan', id: 'r0' },
      { kind: 'embedding-orphan', id: 'r0' },
    ]);
    await processAll(log, fakeEmbedder());
    expect((await reconciled()).differences.total).toBe(0);
  });

  it('misses no ledger entry that was taken away', async () => {
    await append(topics.ledger('fake'), 'r3', null);
    expect((await reconciled()).differences.kept).toEqual([
      { kind: 'not-processed', id: 'r3' },
      { kind: 'embedding-orphan', id: 'r3' },
    ]);
  });

  it('misses no embedding that was taken away, and none of another content', async () => {
    await append(topics.embeddings('fake'), 'r3', null);
    const [first] = await allRecords(log, topics.embeddings('fake'));
    await append(topics.embeddings('fake'), 'r4', first!.value);
    expect((await reconciled()).differences.counts()).toEqual({ 'embedding-missing': 2, 'embedding-orphan': 1 });
  });

  it('takes embeddings of an older model for what is still to be processed', async () => {
    const newer = { ...model, fingerprint: fakeEmbedder({ version: '2' }).info.fingerprint };
    expect((await reconciled(newer)).differences.counts()).toEqual({ 'not-processed': 9 });
  });

  it('calls an embedding an orphan when its record has become a dead letter', async () => {
    const [stale] = (await allRecords(log, topics.embeddings('fake'))).filter(
      ({ key }) => Buffer.from(key!).toString() === 'r1',
    );
    await publishRows(log, [{ id: 'r1', text: 'now poison' }]);
    await processAll(log, fakeEmbedder());
    expect((await reconciled()).differences.kept).toEqual([]);
    await append(topics.embeddings('fake'), 'r1', stale!.value);
    expect((await reconciled()).differences.kept).toEqual([{ kind: 'embedding-orphan', id: 'r1' }]);
  });

  it('follows deletions and what comes again after them', async () => {
    await publishRows(log, rows.slice(4), { prune: true });
    await processAll(log, fakeEmbedder());
    expect(await reconciled()).toMatchObject({ records: 6, embedded: 4 });
    await publishRows(log, [{ id: 'r0', text: 'another text' }, ...rows.slice(1)]);
    expect((await reconciled()).differences.kept.map(({ id }) => id)).toEqual(['r0', 'r1', 'r2', 'r3']);
    await processAll(log, fakeEmbedder());
    const { differences, ...counts } = await reconciled();
    expect(counts).toMatchObject({ records: 10, embedded: 8, deadLettered: 1, notApplicable: 1 });
    expect(differences.kept).toEqual([]);
  });

  it('counts all differences of a kind and names the first twenty', async () => {
    const more = Array.from({ length: 30 }, (_, i) => ({ id: `more${i}`, text: 'x' }));
    await publishRows(log, more);
    const { differences } = await reconciled();
    expect(differences.total).toBe(30);
    expect(differences.kept).toEqual(more.slice(0, 20).map(({ id }) => ({ kind: 'not-processed', id })));
  });

  it('takes a model of unknown fingerprint as its last ledger entry has it', async () => {
    const { name, kinds } = model;
    expect((await reconciled({ name, kinds })).differences.total).toBe(0);
    const r0 = codec.decodeLedgerEntry((await latestValues(log, topics.ledger('fake'))).get('r0')!);
    const { fingerprint } = fakeEmbedder({ version: '2' }).info;
    await append(topics.ledger('fake'), 'r0', Uint8Array.from(codec.encodeLedgerEntry({ ...r0, fingerprint })));
    expect((await reconciled({ name, kinds })).differences.counts()).toEqual({
      'not-processed': 8,
      'embedding-missing': 1,
      'embedding-orphan': 1,
    });
  });

  it('tells models and the kinds that they read apart', async () => {
    await processAll(log, fakeEmbedder({ name: 'second', version: '2' }));
    await append(topics.ledger('second'), 'r2', null);
    const context = newContext();
    const both: readonly ModelToReconcile[] = [
      model,
      { name: 'second', kinds: ['text'], fingerprint: fakeEmbedder({ version: '2' }).info.fingerprint },
      { name: 'third', kinds: ['image'] },
      { name: 'fourth', kinds: ['image', 'text'] },
    ];
    const records = await readRecordColumns(
      context,
      both.map(({ kinds }) => kinds),
    );
    const results = [];
    for (const each of both)
      results.push(await reconcileModel(context, each, records, await readModelColumns(context, each.name)));
    expect(
      results.map(({ differences, ...rest }) => [rest.embedded, rest.notApplicable, differences.counts()]),
    ).toEqual([
      [8, 1, {}],
      [7, 1, { 'not-processed': 1, 'embedding-orphan': 1 }],
      [0, 10, {}],
      [0, 1, { 'not-processed': 9 }],
    ]);
    expect(results[1]?.differences.kept[0]?.id).toBe('r2');
  });
});

describe('reconcileSources', () => {
  it('misses no published record that is gone from the log', async () => {
    const check = async () => {
      const context = newContext();
      return reconcileSources(context, await log.topics(), await readRecordColumns(context, []));
    };
    expect(await check()).toMatchObject([{ source: 'rows', published: 10 }]);
    await append(topics.records, 'r5', null);
    expect((await check())[0]?.differences.kept).toEqual([{ kind: 'record-missing', id: 'r5' }]);
  });
});

describe('reconcileSink', () => {
  it('finds every live embedding in the shards', async () => {
    await writeShards();
    expect(await reconciledSink()).toMatchObject({ live: 8, shards: 3, model: 'fake' });
    expect(await sinkDifferences()).toEqual([]);
  });

  it('names what the sink has not written yet', async () => {
    await writeShards();
    await publishRows(log, [{ id: 'new', text: 'new' }, { id: 'r1', text: 'changed' }, ...rows.slice(2)], {
      prune: true,
    });
    await processAll(log, fakeEmbedder());
    expect(await sinkDifferences()).toEqual([
      { kind: 'sink-missing', id: 'new' },
      { kind: 'sink-stale', id: 'r1' },
      { kind: 'sink-orphan', id: 'r0' },
    ]);
    await writeShards();
    expect(await sinkDifferences()).toEqual([]);
  });

  it('misses no shard that was taken away or damaged', async () => {
    const shards = await writeShards();
    const [first, second] = (await readdir(shards)).filter((name) => name.endsWith('.parquet')).sort();
    await rm(join(shards, first!));
    await writeFile(join(shards, second!), 'not Parquet');
    const differences = await sinkDifferences();
    expect(differences.slice(0, 2)).toEqual([
      { kind: 'shard-missing', id: first },
      { kind: 'shard-damaged', id: second },
    ]);
    expect(differences.filter(({ kind }) => kind === 'sink-missing')).toHaveLength(6);
  });

  it('names what is there twice, and what a shard with a valid checksum lacks', async () => {
    await writeShards();
    const embeddings = await allRecords(log, topics.embeddings('fake'));
    const [first] = await descriptors();
    const of = embeddings.filter(({ offset }) => offset <= first!.lastOffset);
    expect(of).toHaveLength(3);
    await forgeShard(first!, [of[0]!, of[0]!, of[2]!]);
    expect(await sinkDifferences()).toEqual([
      { kind: 'sink-missing', id: 'r1' },
      { kind: 'sink-twice', id: 'r0' },
    ]);
    // A whole shard once more, under another name.
    await forgeShard({ ...first!, name: `${first!.name}x` }, of);
    const differences = await sinkDifferences();
    expect(differences.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'sink-twice r0',
      'sink-twice r0',
      'sink-twice r2',
    ]);
  });

  it('follows deletions and what comes again after them', async () => {
    await writeShards();
    await publishRows(log, rows.slice(4), { prune: true });
    await processAll(log, fakeEmbedder());
    expect((await sinkDifferences()).map(({ kind, id }) => `${kind} ${id}`)).toEqual(
      ['r0', 'r1', 'r2', 'r3'].map((id) => `sink-orphan ${id}`),
    );
    await writeShards();
    expect(await reconciledSink()).toMatchObject({ live: 4 });
    expect(await sinkDifferences()).toEqual([]);
    await publishRows(log, rows);
    await processAll(log, fakeEmbedder());
    expect((await sinkDifferences()).map(({ kind }) => kind)).toEqual(Array(4).fill('sink-missing'));
    await writeShards();
    expect(await reconciledSink()).toMatchObject({ live: 8 });
    expect(await sinkDifferences()).toEqual([]);
  });

  it('takes the later one of a deletion and a row in the same shard', async () => {
    for (const each of [rows.slice(4), rows]) {
      await publishRows(log, each, { prune: true });
      await processAll(log, fakeEmbedder());
    }
    await writeShards('files', 1000);
    const [shard, ...others] = await descriptors();
    expect([shard?.deletions, others]).toEqual([4, []]);
    expect(await reconciledSink()).toMatchObject({ live: 8, differences: { total: 0 } });
  });

  it('finds every live embedding of two partitions', async () => {
    await log.close();
    log = createMemoryLog();
    await ensureProcessorTopics(log, topics, 'fake', 2);
    await publishRows(log, rows, { partitions: 2 });
    const task = new EmbeddingTask({ log, codec, embedder: fakeEmbedder(), topics, namespace: 'test', clock: CLOCK });
    await log.run(task, { until: 'end' });
    await writeShards();
    expect(new Set((await descriptors()).map(({ partition }) => partition))).toEqual(new Set([0, 1]));
    expect(await reconciled()).toMatchObject({ embedded: 8, differences: { total: 0 } });
    expect(await reconciledSink()).toMatchObject({ live: 8, differences: { total: 0 } });
    // The same offset in the other partition is another version.
    const [shard] = await descriptors();
    const { partition, name } = shard!;
    const forged = codec.encodeShardDescriptor({ ...shard!, partition: 1 - partition });
    await append(topics.shards('files'), name, Uint8Array.from(forged));
    expect((await reconciledSink()).differences.counts()).toEqual({ 'sink-stale': shard!.rows });
  });

  it('keeps several sinks apart', async () => {
    await writeShards();
    await publishRows(log, [{ id: 'new', text: 'new' }]);
    await processAll(log, fakeEmbedder());
    await writeShards('others');
    expect(await sinkDifferences()).toEqual([{ kind: 'sink-missing', id: 'new' }]);
    expect(await reconciledSink('others')).toMatchObject({ live: 9 });
    expect((await reconciledSink('others')).differences.total).toBe(0);
  });

  it('says in one line that the folder is gone', async () => {
    const shards = await writeShards();
    await rm(shards, { recursive: true });
    const { live, differences } = await reconciledSink();
    expect([live, differences.kept]).toEqual([0, [{ kind: 'folder-missing', id: shards }]]);
  });
});
