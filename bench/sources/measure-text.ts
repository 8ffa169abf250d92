/** JSON lines: one large file, and a folder of very many small ones. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { megabytes, type Figure } from '../pipeline/figures.ts';
import { runNode, type Usage } from '../pipeline/measured-command.ts';
import type { SourceRead } from './read-source.ts';

const READ_SOURCE = fileURLToPath(new URL('read-source.ts', import.meta.url));
const FILE_MEGABYTES = 2048;
const FILES = 100_000;
/**
 * The same with a part of the data, to see whether memory grows with it: one that is large enough for the heap to have
 * grown to what it takes.
 */
const LINES_PART = 8;
const FILES_PART = 2;
const MOST_GROWTH_MB = 64;
const LEAST_MEGABYTES_A_SECOND = 60;

export async function measureJsonl(folder: string, share: number): Promise<Figure[]> {
  const small = await read(jsonlFile(folder, Math.ceil((FILE_MEGABYTES * share) / LINES_PART)), folder);
  const large = await read(jsonlFile(folder, Math.ceil(FILE_MEGABYTES * share)), folder);
  return [
    {
      name: 'JSONL parsed and hashed',
      value: megabytes(large.bytes) / large.seconds,
      unit: 'MB/s',
      atLeast: LEAST_MEGABYTES_A_SECOND,
    },
    { name: 'the same by processor time', value: megabytes(large.bytes) / large.cpuSeconds, unit: 'MB/s' },
    ...memoryFigures('JSONL', 'an eighth', small, large),
  ];
}

export async function measureFolder(folder: string, share: number): Promise<Figure[]> {
  const small = await read(jsonlFolder(folder, Math.ceil((FILES * share) / FILES_PART)), folder);
  const large = await read(jsonlFolder(folder, Math.ceil(FILES * share)), folder);
  return [
    { name: 'files of a folder', value: large.items / large.seconds, unit: 'files/s' },
    ...memoryFigures('folder', 'half', small, large),
  ];
}

export function memoryFigures(name: string, part: string, small: Usage, large: Usage): Figure[] {
  const growth = megabytes(large.peakMemoryBytes - small.peakMemoryBytes);
  return [
    { name: `${name}, peak memory`, value: megabytes(large.peakMemoryBytes), unit: 'MB' },
    { name: `${name}, more of it than for ${part}`, value: growth, unit: 'MB', atMost: MOST_GROWTH_MB },
  ];
}

async function read(source: string, folder: string): Promise<SourceRead & Usage> {
  const { stdout, ...usage } = await runNode([READ_SOURCE, source], folder);
  return { ...usage, ...(JSON.parse(stdout) as SourceRead) };
}

/** Lines of about 1 KB: an id, a text, an object, numbers, escapes and letters beyond ASCII. */
function line(number: number): string {
  const words = ['vector', 'Küche', 'a "quoted" word', 'log', 'größer', 'pipeline\n', '図書館', 'embedding'];
  const text = Array.from({ length: 90 }, (_, i) => words[(number * 7 + i * i) % words.length]).join(' ');
  const nested = { title: `Document ${number}`, year: 1990 + (number % 35), score: number / 7, tags: ['a', 'b'] };
  return `${JSON.stringify({ id: `doc-${number}`, text, nested, url: `https://example.org/${number}` })}\n`;
}

function jsonlFile(folder: string, wantedMegabytes: number): string {
  const path = join(folder, `${wantedMegabytes}.jsonl`);
  const file = openSync(path, 'w');
  let number = 0;
  for (let bytes = 0; megabytes(bytes) < wantedMegabytes;) {
    const block = Buffer.from(Array.from({ length: 1000 }, () => line(number++)).join(''));
    bytes += writeSync(file, block);
  }
  closeSync(file);
  return path;
}

function jsonlFolder(folder: string, files: number): string {
  const path = join(folder, `of-${files}`);
  mkdirSync(path);
  for (let number = 0; number < files; number++) writeFileSync(join(path, `${number}.jsonl`), line(number));
  return path;
}
