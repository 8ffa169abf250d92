import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collect, temporaryFolder, vectorOf } from './fixtures.ts';
import { readNpy } from '../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';
import { writeNpy, writeParquet, type WritableRow } from '../../src/sinks/write-rows.ts';

const rows = Array.from({ length: 1200 }, (_, i): WritableRow => {
  return {
    id: `${i}`,
    vector: vectorOf(i, 12),
    metadata: new Map([['rank', i]]),
    ...(i % 2 === 0 ? { text: `t${i}` } : {}),
  };
});

async function* stream(): AsyncGenerator<WritableRow> {
  await Promise.resolve();
  yield* rows;
}

it('writes arrays and streams of rows, replaces a file at once, and reads them back', async () => {
  const folder = temporaryFolder();
  const parquet = join(folder, 'rows.parquet');
  const npy = join(folder, 'sub', 'rows.npy');
  await writeParquet(parquet, rows.slice(0, 3));
  expect(await writeParquet(parquet, stream(), { model: 'm' })).toMatchObject({ path: parquet, rows: 1200 });
  await writeNpy(npy, stream(), { dtype: 'fp16' });
  for (const read of [await collect(readParquet(parquet)), await collect(readNpy(npy))]) {
    expect(read.length).toBe(1200);
    expect(read[700]).toMatchObject({
      id: '700',
      text: 't700',
      vector: rows[700]!.vector,
      metadata: new Map([['rank', 700]]),
    });
    expect(read[701]!.text).toBeUndefined();
  }
  expect(readdirSync(folder).sort()).toEqual(['rows.parquet', 'sub']);
  expect(readdirSync(join(folder, 'sub')).sort()).toEqual(['rows.metadata.parquet', 'rows.npy']);
});

it.each([
  ['no rows', 'a.parquet', []],
  ['vectors of different lengths', 'a.parquet', [rows[0]!, { id: 'x', vector: new Float32Array(3) }]],
  ['another extension', 'a.csv', rows],
])('refuses %s and leaves nothing behind', async (_, name, input: readonly WritableRow[]) => {
  const folder = temporaryFolder();
  await expect(writeParquet(join(folder, name), input)).rejects.toMatchObject({ code: 'USAGE' });
  expect(readdirSync(folder)).toEqual([]);
});
