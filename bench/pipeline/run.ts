/**
 * Measures the pipeline through its public commands, each a process of its own, one at a time.
 *
 *   node --disable-warning=ExperimentalWarning bench/pipeline/run.ts [--rows=1000000] [--only=seven,rerun,…] [--long] [--keep]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of the full size replace those of the
 * same measurement in results.json.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatFigures, isMet, megabytes, type Figure } from './figures.ts';
import { measureModel } from './measure-model.ts';
import {
  measureCatalogueColumns,
  measureLongFile,
  measureRerun,
  measureRestore,
  measureSevenColumns,
} from './measure-rows.ts';
import { measureStart } from './measure-start.ts';
import { Workplace } from './workplace.ts';

const FULL_ROWS = 1_000_000;
const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

interface Results {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly measurements: Readonly<Record<string, Measurement>>;
}

interface Measurement {
  readonly measuredAt: string;
  readonly commit: string;
  readonly figures: readonly (Figure & { readonly met?: boolean })[];
}

type Measure = (workplace: Workplace, rows: number) => Promise<Figure[]>;
const measures = {
  seven: measureSevenColumns,
  rerun: measureRerun,
  restore: measureRestore,
  catalogue: measureCatalogueColumns,
  model: measureModel,
  start: measureStart,
  long: measureLongFile,
} satisfies Record<string, Measure>;
const names = Object.keys(measures) as (keyof typeof measures)[];

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: String(FULL_ROWS) },
    only: { type: 'string' },
    long: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const wanted = values.only?.split(',') ?? names.filter((name) => name !== 'long' || values.long);
const unknown = wanted.filter((name) => !names.includes(name as keyof typeof measures));
if (unknown.length > 0 || !Number.isSafeInteger(rows) || rows < 100) {
  console.error(`--only takes ${names.join(', ')}; --rows a whole number from 100 on.`);
  process.exit(2);
}

const workplace = new Workplace();
const commit =
  git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src') === '' ? '' : ' + changes');
const measured: Record<string, Measurement> = {};
try {
  for (const name of names.filter((each) => wanted.includes(each))) {
    console.log(`\n${name}`);
    const figures = await measures[name](workplace, rows);
    console.log(formatFigures(figures));
    measured[name] = {
      measuredAt: new Date().toISOString(),
      commit,
      figures: figures.map((figure) => {
        const value = Number(figure.value.toPrecision(4));
        const hasBound = figure.atLeast !== undefined || figure.atMost !== undefined;
        return { ...figure, value, ...(hasBound && { met: isMet(figure) }) };
      }),
    };
  }
} finally {
  if (!values.keep) workplace.clear();
}
if (rows === FULL_ROWS) store(measured);

const missed = Object.values(measured).flatMap(({ figures }) => figures.filter(({ met }) => met === false));
console.log(`\n${missed.length === 0 ? 'Every bound is met.' : `${missed.length} bounds are missed:`}`);
if (missed.length > 0) {
  console.log(formatFigures(missed));
  process.exitCode = 1;
}

function store(latest: Readonly<Record<string, Measurement>>): void {
  const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Results).measurements : {};
  const results: Results = {
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryMB: Math.round(megabytes(totalmem())),
      node: process.version,
    },
    measurements: { ...before, ...latest },
  };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) }).trim();
}
