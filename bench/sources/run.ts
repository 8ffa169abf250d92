/**
 * Measures the sources: JSON lines, a folder of very many files, PDF.
 *
 *   npm run bench:sources -- [--only=jsonl,folder,pdf] [--share=1]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of the full size (`--share=1`) replace
 * those of the same measurement in results.json.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runBench } from '../run-bench.ts';
import { measurePdf } from './measure-pdf.ts';
import { measureFolder, measureJsonl } from './measure-text.ts';

const measures = { jsonl: measureJsonl, folder: measureFolder, pdf: measurePdf };
const names = Object.keys(measures) as (keyof typeof measures)[];

const { values } = parseArgs({
  options: { only: { type: 'string' }, share: { type: 'string', default: '1' } },
});
const share = Number(values.share);
const wanted = values.only?.split(',') ?? names;
if (!wanted.every((name) => names.some((each) => each === name)) || !(share > 0 && share <= 1)) {
  console.error(`--only takes ${names.join(', ')}; --share a number above 0, up to 1.`);
  process.exit(2);
}

// On the disk of the repository, not on a /tmp that may be memory.
const folder = fileURLToPath(new URL('../../.cache/bench/sources/', import.meta.url));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
try {
  await runBench({
    measures: new Map(
      names.filter((name) => wanted.includes(name)).map((name) => [name, () => measures[name](folder, share)]),
    ),
    ...(share === 1 && { resultsFile: fileURLToPath(new URL('results.json', import.meta.url)) }),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
