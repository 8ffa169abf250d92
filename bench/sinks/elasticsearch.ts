/**
 * Measures the sink elasticsearch beside prebuilt bulk bodies of the same documents, sent to an index of the same mapping
 * on the same server, one after the other in turns.
 *
 *   eval "$(npm run --silent services -- up elasticsearch)"
 *   npm run bench:elasticsearch -- [--rows=1000000] [--rounds=3]
 *
 * The node of `services` has 640 MB of heap, which does for the default; more rounds of a million want some 10 GB of disk.
 * Prints every figure with its bound and exits 1 when one is missed. Figures of a million rows replace those in
 * results-elasticsearch.json.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { median, megabytes, type Figure } from '../pipeline/figures.ts';
import { runEmbedstream, type Usage } from '../pipeline/measured-command.ts';
import { runBench } from '../run-bench.ts';
import { fillLog, vectorOf } from './fill-log.ts';

const MODEL = 'hashed-384';
const DIMENSION = 384;
const FULL_ROWS = 1_000_000;
const LEAST_OF_BARE = 0.8;
const MOST_MEMORY_MB = 500;
/** The best size on this server, and how many at once. */
const BODY_BYTES = 5_000_000;
const IN_FLIGHT = 2;
/** Rows of one comparison: the more an index holds, the slower it takes more, so both get as many. */
const COMPARED_ROWS = 100_000;

const { values } = parseArgs({
  options: { rows: { type: 'string', default: String(FULL_ROWS) }, rounds: { type: 'string', default: '3' } },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const server = (process.env['ELASTICSEARCH_URL'] ?? '').replace(/\/+$/, '');
if (server === '' || !(rows >= 1_000) || !(rounds >= 1)) {
  console.error('ELASTICSEARCH_URL must name a server; --rows is a number from 1000 on, --rounds one from 1 on.');
  process.exit(2);
}

const folder = fileURLToPath(new URL('../../.cache/bench/elasticsearch/', import.meta.url));
const alias = `embedstream-bench-${process.pid}-x`;
const dispatcher = new Agent({ connections: IN_FLIGHT });
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
try {
  await runBench({
    measures: new Map([['elasticsearch', measure]]),
    ...(rows === FULL_ROWS && { resultsFile: fileURLToPath(new URL('results-elasticsearch.json', import.meta.url)) }),
  });
} finally {
  await removeIndices();
  await dispatcher.close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<Figure[]> {
  const compared = Math.min(rows, COMPARED_ROWS);
  const logs = { compared: join(folder, 'compared'), full: join(folder, 'full') };
  await fillLog({ dataDir: logs.compared, model: MODEL, dimension: DIMENSION, rows: compared });
  // Makes the index whose mapping the bare one gets, and warms the server up.
  await sink(logs.compared);
  const index = await mappingOf(`${alias}-000001`);
  const bodies = bareBodies(compared);
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await writeBare(index, bodies, compared));
    ours.push(compared / (await sink(logs.compared)).seconds);
  }
  let usage: Usage | undefined;
  if (rows > compared) {
    await fillLog({ dataDir: logs.full, model: MODEL, dimension: DIMENSION, rows });
    ({ usage } = await sink(logs.full));
  } else ({ usage } = await sink(logs.compared));
  return [
    { name: 'prebuilt bodies', value: median(bare), unit: 'rows/s' },
    { name: 'sink elasticsearch', value: median(ours), unit: 'rows/s' },
    { name: 'the same as a share of those', value: median(ours) / median(bare), unit: 'ratio', atLeast: LEAST_OF_BARE },
    {
      name: `peak memory at ${rows} rows`,
      value: megabytes(usage.peakMemoryBytes),
      unit: 'MB',
      atMost: MOST_MEMORY_MB,
    },
  ];
}

async function sink(dataDir: string): Promise<{ readonly seconds: number; readonly usage: Usage }> {
  await removeIndices();
  const flags = [`--es-url=${server}`, `--es-index=${alias}`, '--force', `--model=${MODEL}`, `--data-dir=${dataDir}`];
  const { report, ...usage } = await runEmbedstream(['sink', 'elasticsearch', ...flags], folder);
  return { seconds: (report.sunk?.[0]?.elapsedMs ?? NaN) / 1000, usage };
}

/** Bulk bodies, made by other code than the sink's; ready before the clock starts. */
function bareBodies(count: number): Buffer[] {
  const bodies: Buffer[] = [];
  let lines: string[] = [];
  let bytes = 0;
  const end = (): void => {
    bodies.push(Buffer.from(lines.join('')));
    lines = [];
    bytes = 0;
  };
  for (let row = 0; row < count; row++) {
    const bigEndian = Buffer.alloc(DIMENSION * 4);
    for (const [i, value] of vectorOf(row, DIMENSION).entries()) bigEndian.writeFloatBE(value, i * 4);
    const document = {
      text: `Object ${row}, a bronze vessel with a dragon`,
      metadata: { title: `Object ${row}`, year: 1900 + (row % 125) },
      embeddings: { [MODEL]: bigEndian.toString('base64') },
      embedded: { [MODEL]: { createdAt: 1_700_000_000_000 + row, fingerprint: '0'.repeat(64) } },
    };
    const line = `{"index":{"_id":"object-${row}"}}\n${JSON.stringify(document)}\n`;
    lines.push(line);
    bytes += line.length;
    if (bytes >= BODY_BYTES) end();
  }
  if (lines.length > 0) end();
  return bodies;
}

/** Documents a second into an empty index, until a search finds them. */
async function writeBare(index: unknown, bodies: readonly Buffer[], count: number): Promise<number> {
  await removeIndices();
  await ask('PUT', `/${alias}-bare`, Buffer.from(JSON.stringify(index)));
  const startMs = performance.now();
  const waiting = [...bodies];
  const send = async (): Promise<void> => {
    for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
      const answer = (await ask('POST', `/${alias}-bare/_bulk?filter_path=errors`, body)) as {
        readonly errors: boolean;
      };
      if (answer.errors) throw new Error('Elasticsearch refused prebuilt documents');
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, send));
  await ask('POST', `/${alias}-bare/_refresh`);
  return count / ((performance.now() - startMs) / 1000);
}

/** What makes an index like this one was while it was filled. */
async function mappingOf(name: string): Promise<unknown> {
  const found = (await ask('GET', `/${name}/_mapping`)) as Record<string, { readonly mappings: unknown }>;
  return {
    settings: { index: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' } },
    mappings: found[name]?.mappings,
  };
}

async function removeIndices(): Promise<void> {
  const names = Object.keys((await ask('GET', `/${alias}-*`)) as object);
  for (const name of names) await ask('DELETE', `/${name}`);
}

async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: Buffer): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
  const answer = await request(`${server}${path}`, { method, dispatcher, headers, ...timeouts, ...(body && { body }) });
  const json: unknown = await answer.body.json();
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${JSON.stringify(json)}`);
  return json;
}
