/**
 * Measures the file sinks: from embeddings on the embedded log to fsynced files, in MB/s of vectors, and their memory.
 *
 *   npm run bench:files -- [--rows=200000] [--dimension=384|1024] [--only=parquet,npy,…]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Speeds count with 1024 dimensions, memory with a
 * million rows: figures of 200,000 rows of 1024 dimensions replace those in results-files.json.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { megabytes, stageSeconds, type Figure } from '../pipeline/figures.ts';
import { runEmbedstream } from '../pipeline/measured-command.ts';
import { runBench } from '../run-bench.ts';
import { fillLog } from './fill-log.ts';

/** Models of the catalogue by dimension; only their names and dimensions are used. */
const MODELS: Readonly<Record<number, string>> = { 384: 'hashed-384', 1024: 'bge-large-en-v1.5' };
const FULL_ROWS = 200_000;
const FULL_DIMENSION = 1024;
const MOST_MEMORY_MB = 500;
/** MB/s of vectors: rows x dimension x 4 bytes. */
const LEAST_SPEED: Readonly<Record<string, number | undefined>> = {
  parquet: 100,
  npy: 300,
  jsonl: 40,
  json: undefined,
  'vector-store': undefined,
  'npy-single': undefined,
};

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: String(FULL_ROWS) },
    dimension: { type: 'string', default: String(FULL_DIMENSION) },
    only: { type: 'string', default: Object.keys(LEAST_SPEED).join(',') },
  },
});
const [rows, dimension] = [Number(values.rows), Number(values.dimension)];
const formats = values.only.split(',');
const model = MODELS[dimension] ?? '';
if (!(rows >= 1) || model === '' || !formats.every((format) => format in LEAST_SPEED)) {
  console.error(
    `--rows is a number from 1 on, --dimension one of ${Object.keys(MODELS).join(', ')}; --only takes ${Object.keys(LEAST_SPEED).join(',')}.`,
  );
  process.exit(2);
}

const folder = fileURLToPath(new URL('../../.cache/bench/files/', import.meta.url));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
try {
  await fillLog({ dataDir: join(folder, 'log'), model, dimension, rows });
  const isFull =
    rows === FULL_ROWS && dimension === FULL_DIMENSION && formats.length === Object.keys(LEAST_SPEED).length;
  await runBench({
    measures: new Map(formats.map((format) => [format, () => measure(format)])),
    ...(isFull && { resultsFile: fileURLToPath(new URL('results-files.json', import.meta.url)) }),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(format: string): Promise<Figure[]> {
  const flags = [`--model=${model}`, `--data-dir=${join(folder, 'log')}`, `--out=${join(folder, 'out')}`];
  const ran = await runEmbedstream(['sink', format, ...flags], folder);
  rmSync(join(folder, 'out'), { recursive: true, force: true });
  const atLeast = LEAST_SPEED[format];
  const speed = megabytes(rows * dimension * Float32Array.BYTES_PER_ELEMENT) / stageSeconds(ran.report);
  const name = `sink ${format}, ${dimension}-d, ${rows.toLocaleString('en-US')} rows`;
  return [
    { name, value: speed, unit: 'MB/s', ...(atLeast !== undefined && dimension === FULL_DIMENSION && { atLeast }) },
    { name: `${name}, processor time`, value: (ran.cpuSeconds / rows) * 1e6, unit: 'µs/row' },
    { name: `${name}, peak memory`, value: megabytes(ran.peakMemoryBytes), unit: 'MB', atMost: MOST_MEMORY_MB },
  ];
}
