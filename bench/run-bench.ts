/** Runs a bench's measurements one after the other, prints them with their bounds and stores those of the full size. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { formatFigures, isMet, megabytes, type Figure } from './pipeline/figures.ts';

interface Results {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly measurements: Readonly<Record<string, Measurement>>;
}

interface Measurement {
  readonly measuredAt: string;
  readonly commit: string;
  readonly figures: readonly (Figure & { readonly met?: boolean })[];
}

export interface Bench {
  /** In the order in which they run. */
  readonly measures: ReadonlyMap<string, () => Promise<readonly Figure[]>>;
  /** Where figures are stored; left out: only printed. */
  readonly resultsFile?: string;
}

/** Sets the exit code to 1 when a bound is missed. */
export async function runBench({ measures, resultsFile }: Bench): Promise<void> {
  const commit =
    git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src') === '' ? '' : ' + changes');
  const measured: Record<string, Measurement> = {};
  for (const [name, measure] of measures) {
    console.log(`\n${name}`);
    const figures = await measure();
    console.log(formatFigures(figures));
    measured[name] = { measuredAt: new Date().toISOString(), commit, figures: figures.map(rounded) };
  }
  if (resultsFile !== undefined) store(resultsFile, measured);

  const missed = Object.values(measured).flatMap(({ figures }) => figures.filter(({ met }) => met === false));
  console.log(`\n${missed.length === 0 ? 'Every bound is met.' : `${missed.length} bounds are missed:`}`);
  if (missed.length === 0) return;
  console.log(formatFigures(missed));
  process.exitCode = 1;
}

function rounded(figure: Figure): Measurement['figures'][number] {
  const value = Number(figure.value.toPrecision(4));
  const hasBound = figure.atLeast !== undefined || figure.atMost !== undefined;
  return { ...figure, value, ...(hasBound && { met: isMet(figure) }) };
}

/** The latest figures of a measurement replace those that it had. */
function store(path: string, latest: Readonly<Record<string, Measurement>>): void {
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results).measurements : {};
  const results: Results = {
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryMB: Math.round(megabytes(totalmem())),
      node: process.version,
    },
    measurements: { ...before, ...latest },
  };
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) }).trim();
}
