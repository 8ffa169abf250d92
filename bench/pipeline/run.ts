/**
 * Measures the pipeline through its public commands, each a process of its own, one at a time.
 *
 *   node --disable-warning=ExperimentalWarning bench/pipeline/run.ts [--rows=1000000] [--only=seven,rerun,…] [--long] [--keep]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of the full size replace those of the
 * same measurement in results.json.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runBench } from '../run-bench.ts';
import type { Figure } from './figures.ts';
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
try {
  await runBench({
    measures: new Map(
      names.filter((name) => wanted.includes(name)).map((name) => [name, () => measures[name](workplace, rows)]),
    ),
    ...(rows === FULL_ROWS && { resultsFile: RESULTS }),
  });
} finally {
  if (!values.keep) workplace.clear();
}
