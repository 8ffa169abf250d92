import { beforeEach, describe, expect, it } from 'vitest';
import { fatalError } from '../../../src/errors.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import type { Log } from '../../../src/log/port.ts';
import { compactedTopic, topicNames } from '../../../src/log/topics.ts';
import { prepareStore, type PrepareStoreOptions } from '../../../src/sinks/stores/prepare-store.ts';
import { StoreTarget, type StoreTargetOptions } from '../../../src/sinks/stores/store-target.ts';
import { codec } from '../fixtures.ts';
import { MemoryStore } from './memory-store.ts';

const topics = topicNames('test');
const embeddings = topics.embeddings('tiny');
const identity = { adapter: 'memory', model: 'tiny', location: 'memory://here', sinkName: 's' };

let log: Log;
let store: MemoryStore;

beforeEach(async () => {
  log = createMemoryLog();
  await log.ensureTopics([compactedTopic(embeddings, 2), compactedTopic(topics.shards('s'), 2)]);
  store = new MemoryStore();
});

const open = (changes: Partial<StoreTargetOptions> = {}): Promise<StoreTarget> =>
  StoreTarget.open({ ...identity, log, codec, topics, dimension: 4, clock: () => 0, ...changes });

async function prepared(changes: Partial<PrepareStoreOptions> = {}): Promise<StoreTarget> {
  const target = await open();
  await prepareStore({ log, store, target, inputs: [embeddings], embeddings, ...changes });
  return target;
}

const commit = (...offsets: number[]): Promise<void> =>
  log.resetGroup(
    'test.sink.s',
    offsets.map((offset, partition) => ({ topic: embeddings, partition, offset })),
  );
const committed = async (): Promise<number[]> => (await log.groups())[0]?.committed.map(({ offset }) => offset) ?? [];

/** The first run, to its end. */
async function begun(): Promise<void> {
  store.isEmpty = true;
  const target = await prepared();
  await target.noteCompleted();
  store.isEmpty = false;
}

describe('preparing a store', () => {
  it('fills a new one from the beginning, and goes on with that until it is completed', async () => {
    store.isEmpty = true;
    const first = await prepared();
    expect(first.isBuilding).toBe(true);
    store.isEmpty = false;
    await commit(3, 4);
    const second = await prepared();
    expect(store.modes).toEqual(['keep', 'resume']);
    expect(await committed()).toEqual([3, 4]);
    await second.noteCompleted();
    await prepared();
    expect(store.modes).toEqual(['keep', 'resume', 'keep']);
  });

  it('fills one that was emptied behind its back from the beginning again', async () => {
    await begun();
    await commit(3, 4);
    store.isEmpty = true;
    expect((await prepared()).isBuilding).toBe(true);
    expect(await committed()).toEqual([0, 0]);
  });

  it('refuses one whose offsets are of another log, unless it is rebuilt', async () => {
    await expect(prepared()).rejects.toThrow(/filled from another log/);
    expect((await prepared({ rebuild: true })).isBuilding).toBe(true);
    store.modes.length = 0;
    await prepared();
    expect(store.modes).toEqual(['resume']);
  });

  it('rebuilds: killed anywhere, the next run goes on with it without being told to', async () => {
    await begun();
    await commit(3, 4);
    expect((await prepared({ rebuild: true })).isBuilding).toBe(true);
    expect(await committed()).toEqual([0, 0]);
    await commit(1, 1);
    expect((await prepared()).isBuilding).toBe(true);
    expect(store.modes).toEqual(['keep', 'rebuild', 'resume']);
    expect(await committed()).toEqual([1, 1]);
  });

  it('empties what a rebuild that was killed at its beginning has not', async () => {
    await begun();
    await commit(3, 4);
    store.failNext = fatalError('KILLED', 'in the middle');
    await expect(prepared({ rebuild: true })).rejects.toMatchObject({ code: 'KILLED' });
    store.failNext = undefined;
    await prepared({ rebuild: false });
    await prepared({ rebuild: false });
    expect(store.modes).toEqual(['keep', 'rebuild', 'rebuild', 'resume']);
    expect(await committed()).toEqual([0, 0]);
  });

  it('sets group and store back to where a replay begins, never forward', async () => {
    await begun();
    await commit(3, 4);
    const from = new Map([
      [0, 2],
      [1, 9],
    ]);
    await prepared({ from });
    expect(store.rewound).toEqual([from]);
    expect(await committed()).toEqual([2, 4]);
  });

  it('refuses to set back what runs, and a name that is another output', async () => {
    await begun();
    const stop = new AbortController();
    const idle = { process: () => Promise.resolve({ outputs: [] }), idle: () => Promise.resolve({ outputs: [] }) };
    const task = { ...idle, close: () => Promise.resolve() };
    const started = Promise.withResolvers<undefined>();
    const running = log.run(
      {
        group: 'test.sink.s',
        inputs: [embeddings],
        open: () => {
          started.resolve(undefined);
          return Promise.resolve(task);
        },
      },
      { signal: stop.signal },
    );
    await started.promise;
    for (const changes of [{ rebuild: true }, { from: new Map([[0, 0]]) }])
      await expect(prepared(changes)).rejects.toMatchObject({ code: 'LOG_GROUP_OWNED' });
    expect(store.modes).not.toContain('rebuild');
    stop.abort();
    await running;
    for (const changes of [{ location: 'memory://there' }, { adapter: 'other' }, { model: 'huge' }])
      await expect(open(changes)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
