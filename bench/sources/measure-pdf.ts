/** PDFs to chunks beside bare pdf.js on one core, with two processes that read, and for more documents. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lines, makePdf } from '../../test/producers/pdf/make-pdf.ts';
import { paragraphs } from '../../test/producers/pdf/texts.ts';
import { median, type Figure } from '../pipeline/figures.ts';
import { run, runNode } from '../pipeline/measured-command.ts';
import { memoryFigures } from './measure-text.ts';

const READ_PDFS = fileURLToPath(new URL('read-pdfs.ts', import.meta.url));
const DOCUMENTS = 40;
const PAGES = 50;
const ROUNDS = 5;
const LEAST_OF_BARE = 0.8;
const LEAST_OF_TWO = 1.5;

/** `taskset` (util-linux) holds a process and its children to one core. */
export async function measurePdf(folder: string, share: number): Promise<Figure[]> {
  const documents = Math.max(4, Math.ceil(DOCUMENTS * share));
  const files = makeDocuments(folder, documents);
  const seconds = async (reader: string, cores: string): Promise<number> => {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', READ_PDFS, files, String(PAGES), reader];
    const { stdout } = await run('taskset', ['-c', cores, ...node], folder);
    return (JSON.parse(stdout) as { readonly seconds: number }).seconds;
  };
  const measured = { bare: [] as number[], one: [] as number[], two: [] as number[] };
  // They take turns: what else the machine does meets all of them.
  for (let round = 0; round < ROUNDS; round++) {
    measured.bare.push(await seconds('bare', '0'));
    measured.one.push(await seconds('1', '0'));
    if (availableParallelism() > 1) measured.two.push(await seconds('2', '0,1'));
  }
  const rate = (each: readonly number[]): number => (documents * PAGES) / median(each);
  const [bare, one, two] = [rate(measured.bare), rate(measured.one), rate(measured.two)];
  return [
    { name: 'pdf.js alone, one core', value: bare, unit: 'pages/s' },
    { name: 'PDF to chunks, one core', value: one, unit: 'pages/s' },
    { name: 'ours over pdf.js alone', value: one / bare, unit: 'ratio', atLeast: LEAST_OF_BARE },
    ...(measured.two.length === 0
      ? []
      : ([
          { name: 'two processes, two cores', value: two, unit: 'pages/s' },
          { name: 'two over one', value: two / one, unit: 'ratio', atLeast: LEAST_OF_TWO },
        ] as const)),
    ...memoryFigures(
      'PDF, process of the pipeline',
      'an eighth',
      await runNode([READ_PDFS, makeDocuments(folder, Math.ceil(documents / 8)), String(PAGES), '1'], folder),
      await runNode([READ_PDFS, files, String(PAGES), '1'], folder),
    ),
  ];
}

function makeDocuments(folder: string, documents: number): string {
  const path = join(folder, `pdf-${documents}`);
  mkdirSync(path);
  for (let document = 0; document < documents; document++) {
    const pages = Array.from({ length: PAGES }, (_, page) => {
      const text = paragraphs(document * PAGES + page).replace(/[^\n -~]/g, '-');
      return { content: lines((text.match(/[^\n]{1,90}(?: |$)|\n/g) ?? []).slice(0, 50)) };
    });
    writeFileSync(join(path, `${document}.pdf`), makePdf({ pages, compress: true, objectStreams: true }));
  }
  return path;
}
