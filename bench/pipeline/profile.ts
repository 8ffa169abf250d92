/**
 * Where the time of `embed` goes, thread by thread and area by area, in microseconds a row.
 *
 *   node --disable-warning=ExperimentalWarning bench/pipeline/profile.ts [--rows=200000] [--functions]
 *
 * V8 samples each thread (`--cpu-prof`). A built-in function counts for what called it, but for those named here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './measured-command.ts';
import { writeSevenColumns } from './tables.ts';
import { Workplace, MODEL } from './workplace.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** By function, wherever it was called. */
const BY_FUNCTION: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'idle',
  '(program)': 'native code outside JavaScript',
  postMessage: 'messages between threads',
  emitMessage: 'messages between threads',
  hash: 'hashing',
  oneShotDigest: 'hashing',
  update: 'hashing',
  digest: 'hashing',
  transfer: 'giving memory back',
  writeSync: 'file writes',
  fsyncSync: 'file writes',
};

/** By the file of the function, or of the nearest caller that has one of these; the first that matches. */
const BY_FILE: readonly (readonly [part: string, area: string])[] = [
  ['/src/producers/csv/', 'CSV'],
  ['/src/producers/', 'publisher'],
  ['/src/processors/', 'processor'],
  ['/src/ledger/', 'ledger'],
  ['/src/record/', 'hashing'],
  ['/src/codec/', 'Avro'],
  ['/src/models/', 'model (hashed)'],
  ['/src/log/embedded/log-worker', 'SQLite'],
  ['/src/log/embedded/batch-store', 'SQLite'],
  ['/src/log/embedded/database', 'SQLite'],
  ['/src/log/embedded/key-digests', 'key digests'],
  ['/src/log/embedded/murmur3', 'key digests'],
  ['/src/log/embedded/compaction', 'compaction'],
  ['/src/log/', 'log: packing and unpacking'],
  ['/src/sinks/parquet/', 'Parquet: columns'],
  ['/src/sinks/', 'sink'],
  ['wasm', 'Parquet: wasm'],
  ['/apache-arrow/', 'Parquet: Arrow'],
  ['/src/operations/', 'reconcile'],
  ['/src/cli/', 'command line'],
];

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '200000' }, functions: { type: 'boolean', default: false } },
});
const rows = Number(values.rows);
const workplace = new Workplace();
const folder = workplace.fresh('profile');
try {
  writeSevenColumns(join(folder, 'rows.csv'), rows);
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
  const args = ['--disable-warning=ExperimentalWarning', main];
  args.push('embed', '--source=rows.csv', MODEL, '--sink=parquet', '--json');
  // One profile a thread; the last number in its name counts the threads as they start.
  const environment = { ...process.env, NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` };
  await run(process.execPath, args, folder, environment);
  const profiles = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const byThread = (name: string): number => Number(/\.(\d+)\.\d+\.cpuprofile$/.exec(name)?.[1]);
  for (const name of profiles.toSorted((left, right) => byThread(left) - byThread(right))) {
    printThread(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile);
  }
} finally {
  workplace.clear();
}

function printThread(profile: Profile): void {
  const microseconds = selfTimes(profile);
  const areas = new Map<string, number>();
  const functions = new Map<string, number>();
  const visit = (node: ProfileNode, inherited: string): void => {
    const { functionName, url } = node.callFrame;
    const area = BY_FUNCTION[functionName] ?? BY_FILE.find(([part]) => url.includes(part))?.[1] ?? inherited;
    const self = microseconds.get(node.id) ?? 0;
    areas.set(area, (areas.get(area) ?? 0) + self);
    const label = `${area}: ${functionName} ${url.split('/').slice(-2).join('/')}`;
    functions.set(label, (functions.get(label) ?? 0) + self);
    for (const id of node.children ?? []) {
      const child = nodes.get(id);
      if (child !== undefined) visit(child, area);
    }
  };
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const [root] = profile.nodes;
  if (root !== undefined) visit(root, 'Node itself');
  console.log(`\n${threadName(areas)}`);
  print(areas, 0.1);
  if (values.functions) print(functions, 0.25);
}

function selfTimes({ samples, timeDeltas }: Profile): Map<number, number> {
  const times = new Map<number, number>();
  samples.forEach((id, i) => times.set(id, (times.get(id) ?? 0) + (timeDeltas[i] ?? 0)));
  return times;
}

function threadName(areas: ReadonlyMap<string, number>): string {
  if (areas.has('CSV')) return 'main thread';
  return areas.has('SQLite') ? "the log's thread" : "the sink's thread";
}

function print(times: ReadonlyMap<string, number>, atLeast: number): void {
  for (const [name, microseconds] of [...times].toSorted((left, right) => right[1] - left[1])) {
    if (microseconds / rows >= atLeast) console.log(`  ${(microseconds / rows).toFixed(1).padStart(6)}  ${name}`);
  }
}
