/**
 * The crash campaign: produce, process and sinks of every kind of file run side by side as processes of their own while the source
 * grows, and each is ended by kill -9 at a random moment, round after round. Then everything runs to its end once, and
 * the shards must hold every id exactly once, equal to those of a run that nobody disturbed.
 *
 *   npm run test:crash -- [--rounds=100] [--rows=400] [--seed=1] [--model=hashed-384]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readJson, readJsonl, readNpySingle, readVectorStore } from '../../src/index.ts';
import type { EmbeddingRow } from '../../src/sinks/readers/embedding-rows.ts';
import { readNpy } from '../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
/** One faulty row in this many. */
const FAULT_EVERY = 97;
const MIN_COSINE = 0.99999;

export interface CampaignOptions {
  readonly rounds: number;
  readonly rowsPerRound: number;
  readonly seed: number;
  readonly model: string;
  /** A kill comes at a random moment of this time after the start. */
  readonly killWithinMs: number;
  readonly say?: (line: string) => void;
}

export interface CampaignResult {
  readonly folder: string;
  readonly rows: number;
  readonly kills: number;
  /** Processes that had ended by themselves before their kill came. */
  readonly finished: number;
  /** Of the disturbed pipeline, for further checks. */
  readonly arguments: readonly string[];
  readonly shardFolder: string;
}

interface Exit {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the command line; `killAfterMs` ends it by SIGKILL. */
export function run(args: readonly string[], killAfterMs?: number): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--quiet'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A fixed clock: the same rows are then the same bytes, whenever they were made.
      env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { rounds, rowsPerRound, model, say = () => undefined } = options;
  const random = mulberry32(options.seed);
  const folder = await mkdtemp(join(tmpdir(), 'embedstream-crash-'));
  const source = join(folder, 'objects.csv');
  const place = (name: string): string[] => [`--data-dir=${join(folder, name, 'log')}`];
  const out = (name: string): string => `--out=${join(folder, name, 'data')}`;
  const commands = (name: string): string[][] => [
    ['produce', `--source=${source}`, '--id=id', '--text={title}. {text}', ...place(name)],
    ['process', `--model=${model}`, ...place(name)],
    ['sink', 'parquet', `--model=${model}`, '--shard-rows=1000', out(name), ...place(name)],
    ['sink', 'npy', `--model=${model}`, '--shard-rows=700', out(name), ...place(name)],
    ['sink', 'jsonl', `--model=${model}`, '--shard-rows=300', '--compress=gzip', out(name), ...place(name)],
    ['sink', 'json,vector-store,npy-single', `--model=${model}`, out(name), ...place(name)],
  ];
  let kills = 0;
  let finished = 0;
  for (let round = 1; round <= rounds; round++) {
    await writeSource(source, round * rowsPerRound);
    const exits = await Promise.all(commands('crashed').map((args) => run(args, random() * options.killWithinMs)));
    for (const { code, output } of exits) {
      if (code === null) kills++;
      else finished++;
      // 1: new dead letters, which the source has; or the topic to read is not there yet, since nothing got that far.
      if (code !== null && code !== 0 && code !== 1) throw new Error(`round ${round}: exit ${code}\n${output}`);
    }
    say(`round ${round}: ${kills} killed, ${finished} had finished`);
  }
  for (const name of ['crashed', 'calm'])
    for (const args of commands(name)) {
      const { code, output } = await run(args);
      if (code !== 0 && !(code === 1 && args[0] === 'produce'))
        throw new Error(`${args.join(' ')}: exit ${code}\n${output}`);
    }
  const reconciled = await run(['reconcile', ...place('crashed')]);
  if (reconciled.code !== 0) throw new Error(`reconcile: exit ${reconciled.code}\n${reconciled.output}`);
  say(reconciled.output);
  const rows = await compareOutputs(folder, model);
  const shardFolder = join(folder, 'crashed', 'data', 'parquet', modelName(model));
  return { folder, rows, kills, finished, arguments: place('crashed'), shardFolder };
}

/** Rows 1 to `count`; it only grows, so that an id has one text for ever. */
async function writeSource(path: string, count: number): Promise<void> {
  const lines = ['id,title,text,year'];
  for (let i = 1; i <= count; i++)
    lines.push(
      i % FAULT_EVERY === 0
        ? `${i},too few fields`
        : `${i},"Object, no. ${i}",Käthe's text ${i % 50},${1500 + (i % 500)}`,
    );
  await writeFile(`${path}.new`, `${lines.join('\n')}\n`);
  await rename(`${path}.new`, path);
}

/** Every id once in each output, and row for row what the calm run has. Answers with the number of rows. */
async function compareOutputs(folder: string, model: string): Promise<number> {
  const read = async (name: string, format: 'parquet' | 'npy'): Promise<Map<string, EmbeddingRow>> => {
    const path = join(folder, name, 'data', format, modelName(model));
    const rows = new Map<string, EmbeddingRow>();
    for await (const row of format === 'parquet' ? readParquet(path) : readNpy(path)) {
      if (rows.has(row.id)) throw new Error(`${name}: ${row.id} is twice in ${format}`);
      rows.set(row.id, row);
    }
    return rows;
  };
  const calm = await read('calm', 'parquet');
  for (const other of [await read('crashed', 'parquet'), await read('crashed', 'npy')]) {
    if (other.size !== calm.size) throw new Error(`${other.size} ids, where a calm run has ${calm.size}`);
    for (const [id, row] of calm) {
      const same = other.get(id);
      if (same === undefined) throw new Error(`${id} is missing`);
      compareRows(row, same, model);
    }
  }
  await compareExchanged(join(folder, 'crashed', 'data'), calm, model);
  return calm.size;
}

/** The files that people exchange hold the same vectors, each id once. */
async function compareExchanged(out: string, calm: ReadonlyMap<string, EmbeddingRow>, model: string): Promise<void> {
  const name = modelName(model);
  const outputs = {
    jsonl: readJsonl(join(out, 'embeddings', name)),
    json: readJson(join(out, 'json', name, `${name}.json`)),
    'vector-store': readVectorStore(join(out, 'vector-store', name, `${name}.json`)),
    'npy-single': readNpySingle(join(out, 'npy-single', name, `${name}.npy`)),
  };
  for (const [format, rows] of Object.entries(outputs)) {
    const seen = new Set<string>();
    for await (const { id, vector } of rows) {
      const row = calm.get(id);
      if (row === undefined || seen.has(id)) throw new Error(`${id} is twice in ${format}, or should not be there`);
      compareVectors(id, row.vector, vector, model);
      seen.add(id);
    }
    if (seen.size !== calm.size) throw new Error(`${seen.size} ids in ${format}, where a calm run has ${calm.size}`);
  }
}

function compareRows(a: EmbeddingRow, b: EmbeddingRow, model: string): void {
  const plain = (row: EmbeddingRow): string =>
    JSON.stringify({ ...row, vector: undefined, metadata: [...row.metadata] }, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  if (plain(a) !== plain(b)) throw new Error(`${a.id} differs: ${plain(a)} and ${plain(b)}`);
  compareVectors(a.id, a.vector, b.vector, model);
}

function compareVectors(id: string, a: Float32Array, b: Float32Array, model: string): void {
  // A real model's floats depend on what a text was batched with, in the last digits.
  const cosine = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const same = model === 'hashed-384' ? Buffer.compare(bytesOf(a), bytesOf(b)) === 0 : cosine >= MIN_COSINE;
  if (!same) throw new Error(`${id} has another vector (cosine ${cosine})`);
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function modelName(model: string): string {
  return model.split('/').at(-1) ?? model;
}

/** A small seeded generator: numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      rows: { type: 'string', default: '400' },
      seed: { type: 'string', default: '1' },
      model: { type: 'string', default: 'hashed-384' },
      'kill-within-ms': { type: 'string', default: '1500' },
    },
  });
  const result = await runCampaign({
    rounds: Number(values.rounds),
    rowsPerRound: Number(values.rows),
    seed: Number(values.seed),
    model: values.model,
    killWithinMs: Number(values['kill-within-ms']),
    say: console.log,
  });
  await rm(result.folder, { recursive: true });
  console.log(`${result.kills} kills: ${result.rows} ids, each exactly once in each output, equal to a calm run.`);
}
