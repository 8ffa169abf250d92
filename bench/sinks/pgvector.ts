/**
 * Measures the sink pgvector beside bare COPY BINARY into a staging table with an upsert, on the same server, one after
 * the other in turns.
 *
 *   eval "$(npm run --silent services -- up postgres)"
 *   npm run bench:pgvector -- [--rows=1000000] [--rounds=3]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of a million rows replace those in
 * results-pgvector.json.
 */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { median, megabytes, type Figure } from '../pipeline/figures.ts';
import { runEmbedstream, type Usage } from '../pipeline/measured-command.ts';
import { runBench } from '../run-bench.ts';
import { fillLog, vectorOf } from './fill-log.ts';

const MODEL = 'hashed-384';
const DIMENSION = 384;
const FULL_ROWS = 1_000_000;
const LEAST_OF_BARE = 0.6;
const MOST_MEMORY_MB = 500;
/** Rows of one transaction of the bare writer; it makes them while the clock stands. */
const BARE_BATCH = 10_000;

const { values } = parseArgs({
  options: { rows: { type: 'string', default: String(FULL_ROWS) }, rounds: { type: 'string', default: '3' } },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const server = process.env['POSTGRES_URL'] ?? '';
if (server === '' || !(rows >= BARE_BATCH) || !(rounds >= 1)) {
  console.error(`POSTGRES_URL must name a server; --rows is a number from ${BARE_BATCH} on, --rounds one from 1 on.`);
  process.exit(2);
}

const folder = fileURLToPath(new URL('../../.cache/bench/pgvector/', import.meta.url));
const database = `embedstream_bench_${process.pid}`;
const url = new URL(server);
url.pathname = `/${database}`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await ask(server, `create database ${database}`);
try {
  await ask(url.href, 'create extension vector');
  await runBench({
    measures: new Map([['pgvector', measure]]),
    ...(rows === FULL_ROWS && { resultsFile: fileURLToPath(new URL('results-pgvector.json', import.meta.url)) }),
  });
} finally {
  await ask(server, `drop database ${database} with (force)`);
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<Figure[]> {
  await fillLog({ dataDir: join(folder, 'log'), model: MODEL, dimension: DIMENSION, rows });
  const bare: number[] = [];
  const sink: number[] = [];
  let usage: Usage | undefined;
  for (let round = 0; round < rounds; round++) {
    bare.push(await writeBare());
    await ask(url.href, 'drop table if exists product_embeddings, embedstream_offsets');
    const flags = ['--pg-index=none', '--force', `--model=${MODEL}`, `--data-dir=${join(folder, 'log')}`];
    const { report, ...used } = await runEmbedstream(
      ['sink', 'pgvector', `--postgres-url=${url.href}`, ...flags],
      folder,
    );
    sink.push(rows / ((report.sunk?.[0]?.elapsedMs ?? NaN) / 1000));
    usage = used;
  }
  return [
    { name: 'bare COPY BINARY and upsert', value: median(bare), unit: 'rows/s' },
    { name: 'sink pgvector', value: median(sink), unit: 'rows/s' },
    { name: 'the same as a share of bare', value: median(sink) / median(bare), unit: 'ratio', atLeast: LEAST_OF_BARE },
    {
      name: `peak memory at ${rows} rows`,
      value: megabytes(usage?.peakMemoryBytes ?? NaN),
      unit: 'MB',
      atMost: MOST_MEMORY_MB,
    },
  ];
}

/** A whole COPY stream, made by other code than the sink's. */
function bareBatch(from: number, to: number): Buffer {
  const parts = [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')];
  for (let row = from; row < to; row++) {
    const id = Buffer.from(`object-${row}`);
    const bytes = Buffer.alloc(2 + 4 + id.length + 4 + 4 + DIMENSION * 4);
    bytes.writeInt16BE(2, 0);
    bytes.writeInt32BE(id.length, 2);
    id.copy(bytes, 6);
    bytes.writeInt32BE(4 + DIMENSION * 4, 6 + id.length);
    bytes.writeInt16BE(DIMENSION, 10 + id.length);
    for (const [i, value] of vectorOf(row, DIMENSION).entries()) bytes.writeFloatBE(value, 14 + id.length + i * 4);
    parts.push(bytes);
  }
  return Buffer.concat([...parts, Buffer.from([0xff, 0xff])]);
}

/** Rows a second into an empty table of the same columns and key. */
async function writeBare(): Promise<number> {
  const client = new Client({ connectionString: url.href });
  await client.connect();
  await client.query('drop table if exists bare');
  await client.query(`create table bare (asset_id text not null, embedding vector(${DIMENSION}) not null,
    model_version text not null, created_at timestamptz not null, updated_at timestamptz not null,
    primary key (asset_id, model_version))`);
  let elapsedMs = 0;
  for (let from = 0; from < rows; from += BARE_BATCH) {
    const batch = bareBatch(from, Math.min(from + BARE_BATCH, rows));
    const startMs = performance.now();
    await writeTransaction(client, batch);
    elapsedMs += performance.now() - startMs;
  }
  await client.query('drop table bare');
  await client.end();
  return rows / (elapsedMs / 1000);
}

async function writeTransaction(client: Client, batch: Buffer): Promise<void> {
  await client.query('begin');
  await client.query(`create temp table stage (id text, embedding vector(${DIMENSION})) on commit drop`);
  const copy = client.query(copyFrom('copy stage from stdin (format binary)'));
  copy.end(batch);
  await once(copy, 'finish');
  await client.query(`insert into bare select id, embedding, 'm', now(), now() from stage
    on conflict (asset_id, model_version) do update set embedding = excluded.embedding, updated_at = excluded.updated_at`);
  await client.query('commit');
}

async function ask(connectionString: string, text: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(text);
  await client.end();
}
