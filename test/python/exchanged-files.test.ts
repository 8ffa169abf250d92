import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { RecordId } from '../../src/record/types.ts';
import { createShardFormat, type WorkerFormatOptions } from '../../src/sinks/worker-format.ts';
import { embedding, shardRows } from '../sinks/fixtures.ts';
import { pythonEnvironment, runPython } from './environment.ts';
import { itWithPython } from './with-python.ts';

const DIMENSION = 512;
/** Compressed in several members. */
const ROWS = 1500;
const folder = mkdtempSync(join(tmpdir(), 'embedstream-exchanged-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Numbers of every size, so that each way of writing one comes. */
const embeddings = Array.from({ length: ROWS }, (_, i) => {
  const vector = Float32Array.from({ length: DIMENSION }, (_each, j) => Math.sin(i * 7919 + j) * 10 ** ((j % 13) - 9));
  return embedding(i, DIMENSION, { recordId: String(i * 3) as RecordId, vector });
});

async function write(options: WorkerFormatOptions): Promise<string> {
  const stagingFolder = join(folder, 'staging');
  mkdirSync(stagingFolder, { recursive: true });
  const format = createShardFormat(options);
  const writer = await format.open({ stagingFolder, dimension: DIMENSION, model: 'tiny', expectedRows: ROWS });
  for (let from = 0; from < ROWS; from += 500) await writer.write(shardRows(embeddings.slice(from, from + 500), from));
  const { files } = await writer.finish(options.format);
  for (const file of files) copyFileSync(file.stagedPath, join(folder, file.name));
  await format.close();
  return join(folder, files.at(-1)?.name ?? '');
}

itWithPython('Python, pyarrow, polars, duckdb and numpy read what the log holds, bit for bit', async () => {
  const environment = await pythonEnvironment();
  if (!('python' in environment)) throw new Error('Python was there a moment ago.');
  const seen = await runPython(environment.python, 'read_exchanged.py', [
    await write({ format: 'jsonl', compression: 'gzip' }),
    await write({ format: 'jsonl', compression: 'zstd' }),
    await write({ format: 'json' }),
    await write({ format: 'vector-store-jsonl' }),
    await write({ format: 'npy-single' }),
  ]);
  expect(seen).toEqual({
    shape: [ROWS, DIMENSION],
    equal: { pyarrow: true, polars: true, duckdb: true, json: true, store: true, numpy: true },
    idType: 'int',
    bits: Buffer.concat(embeddings.map(({ vector }) => new Uint8Array(vector.buffer))).toString('hex'),
    head: { version: '1.0', model: 'tiny', dimensions: DIMENSION, count: ROWS },
  });
});
