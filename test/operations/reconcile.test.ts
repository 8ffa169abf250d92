import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/port.ts';
import { IdentityIndex } from '../../src/ledger/identity-index.ts';
import { readModelColumns } from '../../src/operations/reconcile/model-columns.ts';
import { reconcileModel, type ModelToReconcile } from '../../src/operations/reconcile/reconcile-model.ts';
import { reconcileSink, sinkToReconcile } from '../../src/operations/reconcile/reconcile-sink.ts';
import { reconcileSources } from '../../src/operations/reconcile/reconcile-sources.ts';
import { readRecordColumns } from '../../src/operations/reconcile/record-columns.ts';
import { createFileSink } from '../../src/sinks/file-sink.ts';
import {
  CLOCK,
  allRecords,
  codec,
  createMemoryLog,
  fakeEmbedder,
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

async function writeShards(): Promise<string> {
  const options = { format: 'parquet', log, codec, topics, model: 'fake', dimension: 4, out: folder } as const;
  const sink = createFileSink({ ...options, sinkName: 'files', shardRows: 3, clock: CLOCK });
  await log.run(sink, { until: 'end' });
  await sink.close();
  return sink.folder;
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
  return reconcileModel(context, of, records, await readModelColumns(context, of.name));
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
});
