import { beforeEach, describe, expect, it } from 'vitest';
import { poisonError } from '../../src/errors.ts';
import { IdentityIndex } from '../../src/ledger/identity-index.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import type { Log } from '../../src/log/port.ts';
import { compactedTopic, deadLetterTopic, topicNames } from '../../src/log/topics.ts';
import { TimeColumn } from '../../src/operations/reconcile/columns.ts';
import { readModelColumns } from '../../src/operations/reconcile/model-columns.ts';
import { reconcileStore, storeToReconcile } from '../../src/operations/reconcile/reconcile-store.ts';
import type { SinkReconciliation } from '../../src/operations/reconcile/reconcile-sink.ts';
import { StoreTarget } from '../../src/sinks/stores/store-target.ts';
import { codec, embedding, wire } from '../sinks/fixtures.ts';
import { MemoryStore } from '../sinks/stores/memory-store.ts';

const topics = topicNames('test');
const topic = topics.embeddings('tiny');
const CREATED = 1_700_000_000_000;

let log: Log;
let store: MemoryStore;

beforeEach(async () => {
  log = createMemoryLog();
  await log.ensureTopics([
    ...[compactedTopic(topic, 2), compactedTopic(topics.ledger('tiny'), 2), compactedTopic(topics.shards('s'), 2)],
    deadLetterTopic(topics.deadLetters, 2),
  ]);
  store = new MemoryStore();
});

/** Puts embeddings on the log; `version` is their `createdAt`, null a deletion. */
async function put(...values: (readonly [i: number, version?: number | null])[]): Promise<void> {
  const producer = await log.producer('test');
  await producer.append(
    values.map(([i, version = CREATED]) => ({
      topic,
      key: Buffer.from(`object-${i}`),
      value: version === null ? null : wire(embedding(i, 4, { createdAt: version })),
    })),
  );
  await producer.close();
}

async function reconciled(options: { repair?: boolean } = {}): Promise<SinkReconciliation> {
  const identity = { adapter: 'memory', model: 'tiny', location: 'memory://here', sinkName: 's' };
  const target = await StoreTarget.open({ ...identity, log, codec, topics, dimension: 4, clock: () => 0 });
  await target.note({ isBuilding: false });
  const context = { log, codec, topics, ids: new IdentityIndex() };
  const found = await storeToReconcile(context, 's');
  if (found === undefined) throw new Error('There is no target.');
  const columns = await readModelColumns(context, 'tiny', new Map(), { withCreatedAt: true });
  const { versions, createdAt = new TimeColumn(0) } = columns;
  return reconcileStore(context, found, store, { versions, createdAt }, options);
}

const kept = async (): Promise<unknown> => (await reconciled()).differences.kept;

describe('a store', () => {
  it('holds the latest version of each live id, and nothing else', async () => {
    await put([0], [1], [2], [1, CREATED + 5], [2, null], [3]);
    store.rows
      .set('object-0', CREATED)
      .set('object-1', CREATED + 5)
      .set('object-3', CREATED);
    expect(await reconciled()).toMatchObject({ live: 3, deadLettered: 0, sink: 's', location: 'memory://here' });
    expect(await kept()).toEqual([]);
    store.rows.set('object-1', CREATED).set('object-2', CREATED).set('stranger', 1);
    store.rows.delete('object-0');
    expect(await kept()).toEqual([
      { kind: 'sink-missing', id: 'object-0' },
      { kind: 'sink-stale', id: 'object-1' },
      { kind: 'sink-orphan', id: 'object-2' },
      { kind: 'sink-orphan', id: 'stranger' },
    ]);
  });

  it('is repaired by what the log has, in every partition, and by no more', async () => {
    await put(...Array.from({ length: 40 }, (_, i) => [i] as const), [7, CREATED + 1], [8, null]);
    for (let i = 10; i < 40; i++) store.rows.set(`object-${i}`, CREATED);
    store.rows.set('object-7', CREATED).set('object-8', CREATED).set('stranger', 1);
    const touched: string[] = [];
    store.refuse = ({ id }) => {
      touched.push(id);
      return undefined;
    };
    const result = await reconciled({ repair: true });
    expect([result.live, result.differences.total]).toEqual([39, 0]);
    const ids = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `object-${i}`);
    expect(touched.sort()).toEqual([...ids, 'stranger']);
  });

  it('has a dead letter for what it refuses in a repair, until the id changes', async () => {
    await put([0], [1]);
    store.rows.set('object-0', CREATED);
    store.refuse = ({ id }) => (id === 'object-1' ? poisonError('STORE_SAYS_NO', 'no') : undefined);
    expect(await reconciled({ repair: true })).toMatchObject({ live: 1, deadLettered: 1, differences: { total: 0 } });
    // It is not tried again, but an embedding that came since is.
    expect(await kept()).toEqual([]);
    await put([1, CREATED + 1]);
    expect(await kept()).toEqual([{ kind: 'sink-missing', id: 'object-1' }]);
  });

  it('lacks nothing of what is no embedding', async () => {
    const producer = await log.producer('test');
    await producer.append([{ topic, key: Buffer.from('object-9'), value: Buffer.from('corrupt') }]);
    expect(await kept()).toEqual([]);
  });
});
