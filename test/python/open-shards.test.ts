import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonEnvironment, runPython, type PythonEnvironment } from './environment.ts';
import type { Embedding, MetadataValue } from '../../src/record/types.ts';
import type { VectorDtype } from '../../src/sinks/shard-encoder.ts';
import { createShardFormat } from '../../src/sinks/worker-format.ts';
import { embedding, FINGERPRINT, shardRows } from '../sinks/fixtures.ts';

interface Seen {
  readonly pyarrow: Record<string, unknown> & { readonly rows: readonly unknown[] };
  readonly polars: Record<string, unknown> & { readonly rows: readonly unknown[] };
  readonly duckdb: Record<string, unknown> & { readonly rows: readonly unknown[] };
  readonly numpy: Record<string, unknown>;
}

const DIMENSION = 24;
const ROWS = 8300;
/** Rows that differ in what Parquet finds hard. */
const embeddings = Array.from({ length: ROWS }, (_, i): Embedding => {
  const metadata = new Map<string, MetadataValue>([
    ['Title', `Gefäß «${i}» 👩‍🚀 \0 نقش`],
    ['year', i % 5 === 0 ? null : -i],
    ['height', i / 8],
    ['public', i % 2 === 0],
    ['text', `clash ${i}`],
  ]);
  if (i === 8250) metadata.set('late', 'came in the second row group').set('year', 'unknown');
  const row = embedding(i, DIMENSION, { metadata });
  if (i % 7 === 0) Reflect.deleteProperty(row, 'text');
  return row;
});

function expectedRow(row: Embedding, i: number): Record<string, unknown> {
  const at = (key: string): unknown => row.metadata.get(key) ?? null;
  return {
    id: row.recordId,
    vector: [...row.vector],
    contentHash: row.contentHash,
    fingerprint: FINGERPRINT,
    tokenCount: row.tokenCount,
    truncated: row.truncated,
    createdAt: row.createdAt,
    offset: i,
    text: row.text ?? null,
    Title: at('Title'),
    year: i === 8250 ? null : at('year'),
    height: at('height'),
    public: at('public'),
    'metadata.text': at('text'),
    metadata_other: i === 8250 ? '{"year":"unknown","late":"came in the second row group"}' : null,
  };
}

async function writeShard(folder: string, format: 'parquet' | 'npy', dtype: VectorDtype): Promise<void> {
  const stagingFolder = join(folder, 'staging');
  mkdirSync(stagingFolder, { recursive: true });
  const shards = createShardFormat({ format, dtype });
  const writer = await shards.open({ stagingFolder, dimension: DIMENSION, model: 'tiny' });
  for (let from = 0; from < ROWS; from += 1000) {
    await writer.write(shardRows(embeddings.slice(from, from + 1000), from));
  }
  const { files } = await writer.finish('shard');
  for (const file of files) copyFileSync(file.stagedPath, join(folder, file.name));
  await shards.close();
}

describe.each(['fp32', 'fp16'] as const)('shards, vectors in npy as %s', (dtype) => {
  let environment: PythonEnvironment;
  let seen: Seen | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-python-'));

  beforeAll(async () => {
    environment = await pythonEnvironment();
    if (!('python' in environment)) return;
    await writeShard(folder, 'parquet', 'fp32');
    await writeShard(folder, 'npy', dtype);
    const files = ['shard.parquet', 'shard.npy', 'shard.metadata.parquet'].map((file) => join(folder, file));
    seen = (await runPython(environment.python, 'open_shards.py', files)) as Seen;
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('pyarrow reads (N, D) float32, every type and every value', (context) => {
    if (seen === undefined) return context.skip('missing' in environment ? environment.missing : 'no Python');
    const { rows, ...what } = seen.pyarrow;
    expect(what).toEqual({
      types: {
        id: 'string',
        vector: `fixed_size_list<item: float not null>[${DIMENSION}]`,
        contentHash: 'string',
        fingerprint: 'string',
        tokenCount: 'int32',
        truncated: 'bool',
        createdAt: 'timestamp[ms, tz=UTC]',
        offset: 'int64',
        text: 'string',
        Title: 'string',
        year: 'int64',
        height: 'double',
        public: 'bool',
        'metadata.text': 'string',
        metadata_other: 'string',
      },
      fixed: true,
      shape: [ROWS, DIMENSION],
      dtype: 'float32',
      groups: [8192, ROWS - 8192],
      vectorEncodings: expect.not.arrayContaining(['RLE_DICTIONARY']) as unknown,
      vectorStatistics: false,
      vectorCompression: 'UNCOMPRESSED',
      textCompression: 'ZSTD',
      fingerprintIsSmall: true,
    });
    expect(rows).toEqual(embeddings.map(expectedRow));
  });

  it('polars reads an array column and every value', (context) => {
    if (seen === undefined) return context.skip('missing' in environment ? environment.missing : 'no Python');
    expect(seen.polars['shape']).toEqual([ROWS, DIMENSION]);
    expect(seen.polars['dtype']).toBe(`Array(Float32, shape=(${DIMENSION},))`);
    expect(seen.polars.rows).toEqual(embeddings.map(expectedRow));
  });

  it('duckdb reads every value', (context) => {
    if (seen === undefined) return context.skip('missing' in environment ? environment.missing : 'no Python');
    expect(seen.duckdb['lengths']).toEqual([DIMENSION]);
    expect(seen.duckdb.rows).toEqual(embeddings.map(expectedRow));
  });

  it('numpy loads and maps (N, D), aligned with its metadata', (context) => {
    if (seen === undefined) return context.skip('missing' in environment ? environment.missing : 'no Python');
    const { vectors, ids, columns, ...what } = seen.numpy;
    const type = dtype === 'fp32' ? 'float32' : 'float16';
    expect(what).toEqual({ shape: [ROWS, DIMENSION], dtype: type, contiguous: true, aligned: true });
    expect(vectors).toEqual(embeddings.map((row) => [...row.vector]));
    expect(ids).toEqual(embeddings.map((row) => row.recordId));
    expect(columns).toEqual(Object.keys(expectedRow(embeddings[0]!, 0)).filter((name) => name !== 'vector'));
  });
});
