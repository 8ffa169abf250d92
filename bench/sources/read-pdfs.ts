/**
 * Reads all PDFs of a folder, by pdf.js alone (unpdf's `extractText`) or by ours with so many processes, after one that
 * is not counted. Prints what it took as JSON. usage: read-pdfs.ts FOLDER PAGES_EACH bare|PROCESSES
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { extractText } from 'unpdf';
import { createPdfFormat } from '../../src/producers/pdf/pdf-format.ts';
import type { OpenFile } from '../../src/producers/port.ts';

const [folder = '', pagesEach = '', reader = 'bare'] = process.argv.slice(2);
const names = readdirSync(folder);
const pages = Number(pagesEach) * names.length;

async function timed(body: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  await body();
  console.log(JSON.stringify({ seconds: (performance.now() - startMs) / 1000 }));
}

async function readBare(): Promise<void> {
  const read = async (name: string): Promise<number> =>
    (await extractText(Uint8Array.from(readFileSync(join(folder, name))))).text.length;
  await read(names[0] ?? '');
  await timed(async () => {
    let found = 0;
    for (const name of names) found += await read(name);
    if (found !== pages) throw new Error(`only ${found} of ${pages} pages`);
  });
}

async function readOurs(processes: number): Promise<void> {
  const format = createPdfFormat({ processes });
  const open = (name: string): Promise<OpenFile> => {
    const path = join(folder, name);
    return format.open({ path, name, bytes: statSync(path).size, modifiedMs: 0 }, {});
  };
  const chunksOf = async (opened: OpenFile): Promise<number> => {
    let chunks = 0;
    for await (const { items } of opened.read()) chunks += items.length;
    return chunks;
  };
  // As many as there are processes, so that each has started.
  await Promise.all(names.slice(0, processes).map(async (name) => chunksOf(await open(name))));
  await timed(async () => {
    const ahead: Promise<OpenFile>[] = [];
    let chunks = 0;
    for (const name of names) {
      ahead.push(open(name));
      const first = ahead.length === format.filesAtOnce ? ahead.shift() : undefined;
      if (first !== undefined) chunks += await chunksOf(await first);
    }
    for (const rest of ahead) chunks += await chunksOf(await rest);
    if (chunks < pages) throw new Error(`only ${chunks} chunks of ${pages} pages`);
  });
  await format.close();
}

await (reader === 'bare' ? readBare() : readOurs(Number(reader)));
