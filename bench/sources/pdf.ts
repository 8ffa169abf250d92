/**
 * Pages a second from PDFs to chunks, beside bare pdf.js (unpdf's `extractText` in a process of its own), and with two
 * processes that read. `taskset -c 0 node bench/sources/pdf.ts` holds one core against one core; without `taskset` it
 * shows how far two go. Documents are made by the tests' own writer.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractText } from 'unpdf';
import { createPdfFormat } from '../../src/producers/pdf/pdf-format.ts';
import { lines, makePdf } from '../../test/producers/pdf/make-pdf.ts';
import { paragraphs } from '../../test/producers/pdf/texts.ts';

const DOCUMENTS = 40;
const PAGES = 50;
const ROUNDS = 3;

/** Seconds for all documents, pdf.js alone. */
async function bare(folder: string): Promise<void> {
  await extractText(Uint8Array.from(readFileSync(join(folder, '0.pdf'))));
  const startMs = performance.now();
  for (const name of readdirSync(folder)) {
    const { text } = await extractText(Uint8Array.from(readFileSync(join(folder, name))));
    if (text.length !== PAGES) throw new Error(`${name} has ${text.length} pages`);
  }
  console.log((performance.now() - startMs) / 1000);
}

async function ours(folder: string, processes: number): Promise<number> {
  const format = createPdfFormat({ processes });
  const open = (name: string): ReturnType<typeof format.open> => {
    const path = join(folder, name);
    return format.open({ path, name, bytes: statSync(path).size, modifiedMs: 0 }, {});
  };
  for await (const batch of (await open('0.pdf')).read()) if (batch.items.length === 0) break;
  const startMs = performance.now();
  const opened = await Promise.all(readdirSync(folder).map(open));
  let chunks = 0;
  for (const each of opened) for await (const batch of each.read()) chunks += batch.items.length;
  if (chunks < DOCUMENTS * PAGES) throw new Error(`only ${chunks} chunks`);
  const seconds = (performance.now() - startMs) / 1000;
  await format.close();
  return seconds;
}

const pagesASecond = (seconds: number): number => (DOCUMENTS * PAGES) / seconds;

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-bench-pdf-'));
  try {
    for (let document = 0; document < DOCUMENTS; document++) {
      const pages = Array.from({ length: PAGES }, (_, page) => {
        const text = paragraphs(document * PAGES + page).replace(/[^\n -~]/g, '-');
        return { content: lines((text.match(/[^\n]{1,90}(?: |$)|\n/g) ?? []).slice(0, 50)) };
      });
      writeFileSync(join(folder, `${document}.pdf`), makePdf({ pages, compress: true, objectStreams: true }));
    }
    const best = { bare: Infinity, one: Infinity, two: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      const answer = execFileSync(process.execPath, [...process.execArgv, import.meta.filename, folder]).toString();
      best.bare = Math.min(best.bare, Number(answer));
      best.one = Math.min(best.one, await ours(folder, 1));
      if (availableParallelism() > 1) best.two = Math.min(best.two, await ours(folder, 2));
    }
    const rate = { bare: pagesASecond(best.bare), one: pagesASecond(best.one), two: pagesASecond(best.two) };
    console.log(`pdf.js alone        ${rate.bare.toFixed(0)} pages/s`);
    console.log(`one process reads   ${rate.one.toFixed(0)} pages/s, ${(rate.one / rate.bare).toFixed(2)} of it`);
    if (rate.two > 0)
      console.log(`two processes read  ${rate.two.toFixed(0)} pages/s, ${(rate.two / rate.one).toFixed(2)} of one`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [folder] = process.argv.slice(2);
await (folder === undefined ? compare() : bare(folder));
