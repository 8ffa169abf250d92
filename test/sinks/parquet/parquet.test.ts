import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Embedding, Metadata, MetadataValue, ModelFingerprint } from '../../../src/record/types.ts';
import { ParquetEncoder, rowGroupRows } from '../../../src/sinks/parquet/parquet-encoder.ts';
import { sha256OfFile } from '../../../src/sinks/publish.ts';
import { openParquet } from '../../../src/sinks/readers/parquet-batches.ts';
import { readParquet, readShardKeys } from '../../../src/sinks/readers/read-parquet.ts';
import { collect, embedding, FINGERPRINT, shardRows, temporaryFolder } from '../fixtures.ts';

function writeShard(folder: string, chunks: readonly (readonly Embedding[])[], dimension: number) {
  const stagingFolder = join(folder, 'staging');
  mkdirSync(stagingFolder, { recursive: true });
  const encoder = new ParquetEncoder({ stagingFolder, dimension, model: 'tiny' });
  let offset = 0;
  for (const chunk of chunks) {
    encoder.write(shardRows(chunk, offset));
    offset += chunk.length;
  }
  const finished = encoder.finish('shard');
  for (const file of finished.files) renameSync(file.stagedPath, join(folder, file.name));
  return { ...finished, path: join(folder, 'shard.parquet') };
}

/** What a reader gives back of an embedding. */
function rowOf(value: Embedding, offset: number) {
  const row = { id: value.recordId, offset, ...value };
  for (const name of ['recordId', 'model', 'dimension']) Reflect.deleteProperty(row, name);
  return row;
}

const map = (...entries: [string, MetadataValue][]): Metadata => new Map(entries);

describe('row groups', () => {
  it.each([
    [384, 8192],
    [512, 8192],
    [1024, 4096],
    [100_000, 512],
  ])('%i dimensions: %i rows', (dimension, rows) => {
    expect(rowGroupRows(dimension)).toBe(rows);
  });
});

describe('a Parquet shard', () => {
  it('gives back what was embedded, over several row groups', async () => {
    const folder = temporaryFolder();
    const other = 'cd'.repeat(32) as ModelFingerprint;
    const all = Array.from({ length: 10_000 }, (_, i) =>
      embedding(i, 16, i === 9000 ? { fingerprint: other, createdAt: -1 } : {}),
    );
    const { path, files, fingerprints } = writeShard(folder, [all.slice(0, 5000), all.slice(5000)], 16);
    expect(fingerprints).toEqual([FINGERPRINT, other]);
    expect(await sha256OfFile(path)).toBe(files[0]!.sha256);
    const shard = await openParquet(path);
    expect([shard.rows, shard.rowGroups]).toEqual([10_000, 2]);
    shard.close();
    let i = 0;
    for await (const row of readParquet(folder)) {
      expect(row).toEqual(rowOf(all[i]!, i++));
    }
    expect(i).toBe(10_000);
    const keys = (await collect(readShardKeys(path))).flatMap(({ rows, ids, idStarts, offsets }) =>
      Array.from({ length: rows }, (_, row) => ({
        id: Buffer.from(ids.subarray(idStarts[row], idStarts[row + 1])).toString(),
        offset: offsets[row],
      })),
    );
    expect(keys).toEqual(all.map(({ recordId }, offset) => ({ id: recordId, offset })));
  });

  it('gives metadata columns by what the first row group holds, and the rest to metadata_other', async () => {
    const first = map(
      ['s', 'x'],
      ['l', 2n ** 62n],
      ['b', true],
      ['d', 1.5],
      ['mix', 1],
      ['m', 'one'],
      ['none', null],
      ['id', 'clash'],
      ['metadata.id', 'again'],
      ['vector', 3],
    );
    const second = map(['d', 7], ['m', 2], ['mix', 0.25], ['l', null]);
    const fitting = Array.from({ length: 8192 }, (_, i) =>
      embedding(i, 2, { metadata: i === 0 ? first : i === 1 ? second : map() }),
    );
    const late = map(['new', 'key "q"'], ['l', 'text'], ['s', false], ['none', 'now'], ['d', 2n ** 60n], ['b', null]);
    const misfit = embedding(9000, 2, { metadata: late });
    const { path } = writeShard(temporaryFolder(), [fitting, [misfit]], 2);
    const shard = await openParquet(path);
    expect(shard.metadata?.metadata.map(({ column, type }) => `${column}: ${type}`)).toEqual([
      ...['s: string', 'l: long', 'b: boolean', 'd: double', 'mix: double', 'm: mixed', 'none: string'],
      ...['metadata.id: string', 'metadata.metadata.id: string', 'metadata.vector: long'],
    ]);
    const [batch] = await shard.read(1);
    expect(JSON.parse(String(batch!.getChild('metadata_other')!.get(0)))).toEqual({
      ...{ new: 'key "q"', l: 'text', s: false, d: String(2n ** 60n) },
    });
    shard.close();
    const rows = await collect(readParquet(path));
    expect(rows[0]!.metadata).toEqual(new Map([...first].filter(([, value]) => value !== null)));
    expect(rows[1]!.metadata).toEqual(map(['d', 7], ['mix', 0.25], ['m', '2']));
    expect(rows[2]!.metadata).toEqual(map());
    expect(rows[8192]!.metadata).toEqual(
      map(['none', 'now'], ['new', 'key "q"'], ['l', 'text'], ['s', false], ['d', String(2n ** 60n)]),
    );
  });

  it('keeps nulls, empty texts and long texts apart', async () => {
    const without: Embedding = { ...embedding(1, 4) };
    Reflect.deleteProperty(without, 'text');
    const long = '青'.repeat(50_000);
    const { path } = writeShard(
      temporaryFolder(),
      [[without, embedding(2, 4, { text: '' }), embedding(3, 4, { text: long })]],
      4,
    );
    expect((await collect(readParquet(path))).map((row) => row.text)).toEqual([undefined, '', long]);
  });

  it('keeps vectors of one dimension, and pages that end in the middle of a row group', async () => {
    const texts = Array.from({ length: 1500 }, (_, i) =>
      (i % 3 === 0 ? '' : String(i)).padEnd(i % 5 === 0 ? 6000 : 3, '.'),
    );
    const all = texts.map((text, i) => {
      const value = embedding(i, 1, { text, metadata: i % 2 === 0 ? map() : map(['flag', i % 4 === 1], ['n', -i]) });
      if (i % 7 === 0) Reflect.deleteProperty(value, 'text');
      return value;
    });
    const { path } = writeShard(temporaryFolder(), [all], 1);
    expect(await collect(readParquet(path))).toEqual(all.map(rowOf));
  });

  it('has the same bytes however the rows came', () => {
    const late = { metadata: map(['late', 1]) };
    const all = Array.from({ length: 9000 }, (_, i) => embedding(i, 8, i > 8191 ? late : {}));
    const one = writeShard(temporaryFolder(), [all], 8);
    const many = Array.from({ length: 90 }, (_, i) => all.slice(i * 100, i * 100 + 100));
    const other = writeShard(temporaryFolder(), many, 8);
    expect(other.files[0]!.sha256).toBe(one.files[0]!.sha256);
  });

  it('refuses a vector of another dimension and names its offset', () => {
    const encoder = new ParquetEncoder({ stagingFolder: temporaryFolder(), dimension: 4, model: 'tiny' });
    const write = (): void => {
      encoder.write(shardRows([embedding(0, 4), embedding(1, 5)], 70));
    };
    const error = { code: 'FILE_SINK_DIMENSION', message: expect.stringContaining('offset 71') as string };
    expect(write).toThrow(expect.objectContaining(error));
    encoder.abort();
  });

  it('leaves nothing behind when it is aborted, before and after its first row group', () => {
    const stagingFolder = temporaryFolder();
    const rows = Array.from({ length: 9000 }, (_, i) => embedding(i, 4));
    for (const count of [10, 9000]) {
      const encoder = new ParquetEncoder({ stagingFolder, dimension: 4, model: 'tiny' });
      encoder.write(shardRows(rows.slice(0, count)));
      encoder.abort();
      expect(readdirSync(stagingFolder)).toEqual([]);
    }
  });

  it('says which file is no Parquet', async () => {
    const path = join(temporaryFolder(), 'x.parquet');
    writeFileSync(path, 'not at all, but long enough for a footer');
    await expect(openParquet(path)).rejects.toMatchObject({ code: 'FILE_SINK_PARQUET_UNREADABLE' });
    await expect(collect(readParquet(`${path}.missing`))).rejects.toMatchObject({ code: 'USAGE' });
  });
});
