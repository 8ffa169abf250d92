import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lancedb } from '../../../../src/sinks/stores/lancedb/adapter.ts';
import type { EmbeddingChange, OpenStoreOptions, Store, StorePartition } from '../../../../src/sinks/stores/port.ts';
import type { RecordId } from '../../../../src/record/types.ts';
import { pythonEnvironment, runPython } from '../../../python/environment.ts';
import { embedding, temporaryFolder, vectorOf } from '../../fixtures.ts';
import { describeWithLanceDb } from './installed.ts';
import { openPlain, rowsOf } from './plain-table.ts';

const DIMENSION = 8;
const MODEL = 'tiny';

function change(offset: number, id: string, version: number | null = offset): EmbeddingChange {
  return {
    ...{ offset, id },
    embedding: version === null ? null : embedding(version, DIMENSION, { recordId: id as RecordId }),
  };
}

const changes = (from: number, to: number): EmbeddingChange[] =>
  Array.from({ length: to - from }, (_, i) => change(from + i, `object-${from + i}`));

describeWithLanceDb('a table of LanceDB', () => {
  async function opened(
    database = temporaryFolder(),
    more: Partial<OpenStoreOptions> = {},
  ): Promise<{
    readonly store: Store;
    readonly database: string;
    readonly partition: StorePartition<EmbeddingChange>;
  }> {
    const options = { lancedbUri: database };
    const store = await lancedb.open({
      ...{ location: lancedb.locate(options, {}, MODEL), model: MODEL, dimension: DIMENSION, similarity: 'cosine' },
      ...{ sinkName: 'test', environment: {}, options, onWarning: () => undefined, clock: () => 0, ...more },
    });
    onTestFinished(() => store.close());
    await store.prepare('keep');
    const context = { partition: 0, signal: new AbortController().signal, assertOwner: () => Promise.resolve() };
    return { store, database, partition: await store.openEmbeddings(context) };
  }

  it('is never set back by older changes: those of an owner that was frozen', async () => {
    const { database, partition } = await opened();
    await partition.write([change(5, "o'one", 50), change(6, 'two', 60)]);
    await partition.flush();
    expect(partition.progress()).toEqual({ faults: [], offset: 7 });
    const frozen = (await opened(database)).partition;
    await frozen.write([change(1, "o'one", 10), change(2, 'two', null), change(3, 'three', 30)]);
    await frozen.flush();
    const rows = await rowsOf(database, MODEL);
    expect(new Map(rows.map(({ id, vector }) => [id, [...vector]]))).toEqual(
      new Map([
        ["o'one", [...vectorOf(50, DIMENSION)]],
        ['two', [...vectorOf(60, DIMENSION)]],
        ['three', [...vectorOf(30, DIMENSION)]],
      ]),
    );
    await partition.write([change(7, "o'one", null)]);
    await partition.flush();
    expect((await rowsOf(database, MODEL)).map(({ id }) => id).sort()).toEqual(['three', 'two']);
  });

  it('takes more deletions at once than LanceDB takes conditions, and of an id the last change', async () => {
    const { database, partition } = await opened();
    await partition.write(changes(0, 1_300));
    await partition.flush();
    const gone = Array.from({ length: 1_299 }, (_, i) => change(1_300 + i, `object-${i}`, null));
    await partition.write([
      ...gone,
      change(2_599, 'object-7', 3),
      change(2_600, 'object-8', 4),
      change(2_601, 'object-8', null),
    ]);
    await partition.flush();
    expect((await rowsOf(database, MODEL)).map(({ id }) => id).sort()).toEqual(['object-1299', 'object-7']);
  });

  it('joins small files and indexes vectors on request', async () => {
    const { store, database, partition } = await opened(undefined, { options: { lancedbIndex: 'hnsw' } });
    for (let from = 0; from < 300; from += 30) {
      await partition.write(changes(from, from + 30));
      await partition.flush();
    }
    const table = await openPlain(database, MODEL);
    expect((await table?.stats())?.fragmentStats.numFragments).toBe(10);
    await store.complete();
    expect((await openPlain(database, MODEL).then((each) => each?.stats()))?.fragmentStats.numFragments).toBe(1);
    const indices = (await openPlain(database, MODEL).then((each) => each?.listIndices())) ?? [];
    expect(indices.map(({ columns, indexType }) => [columns, indexType])).toEqual([[['vector'], 'IvfHnswSq']]);
    await store.complete();
    expect(await rowsOf(database, MODEL)).toHaveLength(300);
  });

  it('refuses what it could not search, and a table of another shape', async () => {
    const { database, partition } = await opened();
    const bad = embedding(1, DIMENSION, { vector: Float32Array.from({ length: DIMENSION }, () => NaN) });
    const ofLength = embedding(1, 4);
    expect(partition.check?.({ offset: 1, id: 'a', embedding: bad })).toMatchObject({ code: 'LANCEDB_NUMBER' });
    expect(partition.check?.({ offset: 1, id: 'a', embedding: ofLength })).toMatchObject({ code: 'LANCEDB_DIMENSION' });
    await expect(opened(database, { dimension: 4 })).rejects.toMatchObject({
      code: 'LANCEDB_OTHER_TABLE',
      message: expect.stringContaining(join(database, `${MODEL}.lance`)) as string,
    });
  });

  // The package is fetched once.
  it("is read by LanceDB's package for Python", { timeout: 300_000 }, async ({ skip }) => {
    const { store, database, partition } = await opened();
    await partition.write(changes(0, 40));
    await partition.flush();
    await store.complete();
    const environment = await pythonEnvironment('requirements-lancedb.txt');
    if (!('python' in environment)) return skip(environment.missing);
    const read = (await runPython(environment.python, 'read_lancedb.py', [database, MODEL])) as Record<
      string,
      unknown[]
    >;
    const expected = changes(0, 40);
    expect(read).toMatchObject({
      ids: expected.map(({ id }) => id),
      vectors: expected.map((_, i) => [...vectorOf(i, DIMENSION)]),
      texts: expected.map(({ embedding: each }) => each?.text),
      created_at: expected.map(({ embedding: each }) => each?.createdAt),
      nearest: read['first'],
    });
  });
});
