/** Rates and memory of the pipeline with a model that costs nothing. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { megabytes, stageSeconds, usageFigures, type Figure } from './figures.ts';
import { runEmbedstream } from './measured-command.ts';
import { writeCatalogueColumns, writeLongRows } from './tables.ts';
import { embed, MODEL, type Workplace } from './workplace.ts';

const PEAK_MEMORY_MB = 600;
const LONG_BYTES_A_ROW = 5000;

/** A tenth of the rows, then all of them: the rates, and whether memory grows. */
export async function measureSevenColumns(workplace: Workplace, rows: number): Promise<Figure[]> {
  const few = await workplace.embedSevenColumns(Math.round(rows / 10));
  const many = await workplace.embedSevenColumns(rows);
  const figures = [few, many].flatMap((run) => {
    const name = `embed ${run.rows.toLocaleString('en-US')} rows of 7 columns`;
    const [whole, ...others] = usageFigures(name, run.rows, run);
    const stages = run.rows / stageSeconds(run.report);
    return [
      { ...whole, atLeast: 20_000 },
      { name: `${name}, before reconcile`, value: stages, unit: 'rows/s', atLeast: 20_000 },
      ...others.map((figure) => (figure.unit === 'MB' ? { ...figure, atMost: PEAK_MEMORY_MB } : figure)),
    ] as Figure[];
  });
  const growth = many.peakMemoryBytes / few.peakMemoryBytes;
  return [...figures, { name: 'memory of all rows over a tenth', value: growth, unit: 'ratio', atMost: 1.25 }];
}

/** MetObjects' 54 columns, a fifth of the rows. */
export async function measureCatalogueColumns(workplace: Workplace, allRows: number): Promise<Figure[]> {
  const rows = Math.round(allRows / 5);
  const folder = workplace.fresh('catalogue');
  writeCatalogueColumns(join(folder, 'rows.csv'), rows);
  const run = await embed(folder, rows);
  const name = `embed ${rows.toLocaleString('en-US')} rows of 54 columns`;
  const [whole, ...others] = usageFigures(name, rows, run);
  return [
    { ...whole, atLeast: 8000 },
    { name: `${name}, before reconcile`, value: rows / stageSeconds(run.report), unit: 'rows/s', atLeast: 8000 },
    ...others,
  ] as Figure[];
}

/** The same file again: nothing is new. */
export async function measureRerun(workplace: Workplace, rows: number): Promise<Figure[]> {
  const { folder } = await workplace.embedSevenColumns(rows);
  const produced = await runEmbedstream(['produce', '--source=rows.csv'], folder);
  const embedded = await embed(folder, rows);
  const [whole, ...others] = usageFigures('produce, all unchanged', rows, produced);
  const stages = rows / stageSeconds(embedded.report);
  return [
    { ...whole, atLeast: 40_000 },
    ...others,
    { name: 'embed, all unchanged, before reconcile', value: stages, unit: 'rows/s', atLeast: 40_000 },
    ...usageFigures('embed, all unchanged', rows, embedded),
  ] as Figure[];
}

/** `process` when there is nothing to do but to restore its ledger. */
export async function measureRestore(workplace: Workplace, rows: number): Promise<Figure[]> {
  const { folder } = await workplace.embedSevenColumns(rows);
  const { wallSeconds, peakMemoryBytes } = await runEmbedstream(['process', MODEL], folder);
  const name = `process, nothing new, ledger of ${rows.toLocaleString('en-US')}`;
  return [
    { name, value: wallSeconds, unit: 's' },
    { name: `${name}, peak memory`, value: megabytes(peakMemoryBytes), unit: 'MB' },
  ];
}

/** A file of 5 GB, as a million rows make it, through `produce`. */
export async function measureLongFile(workplace: Workplace, allRows: number): Promise<Figure[]> {
  const folder = workplace.fresh('long');
  const path = join(folder, 'rows.csv');
  const rows = writeLongRows(path, allRows * LONG_BYTES_A_ROW);
  const { size } = statSync(path);
  const ran = await runEmbedstream(['produce', '--source=rows.csv'], folder);
  const name = `produce a file of ${(size / 1e9).toFixed(1)} GB`;
  workplace.fresh('long');
  return [
    { name, value: megabytes(size) / ran.wallSeconds, unit: 'MB/s' },
    ...usageFigures(name, rows, ran).map((figure) =>
      figure.unit === 'MB' ? { ...figure, atMost: PEAK_MEMORY_MB } : figure,
    ),
  ];
}
