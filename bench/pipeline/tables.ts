/** The CSV files that are measured, drawn from seeded generators: the same rows on every machine. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CATALOGUE = fileURLToPath(new URL('../../examples/catalogue.csv', import.meta.url));
const FLUSH_CHARS = 1 << 20;
const FIRST_ID = 500_000;

const THINGS =
  'Vase Bowl Beaker Plate Sword Helmet Necklace Ring Textile Fragment Print Drawing Figure Coin Tile'.split(' ');
const MATERIALS = 'bronze silver gold silk wool ivory jade porcelain stoneware steel oak marble paper glass'.split(' ');
const MOTIFS = 'a dragon;two peacocks;a hunting scene;lotus scrolls;a kneeling angel;a river view;coats of arms;a lion';
const CULTURES = 'Italian French Chinese Japanese Persian Roman Greek Egyptian German Spanish Dutch Indian'.split(' ');
const DEPARTMENTS = 'Decorative Arts;Asian Art;Prints and Drawings;Arms and Armor;Textiles;Ancient Art'.split(';');
const NAMES = 'Ada Vane;Luca Moretti;Émile Béraud;Hans Krämer;Mei Lin;Tomás Ortiz;Sofia Rossi;Jan de Wit'.split(';');
const SENTENCES =
  'The surface shows traces of an earlier gilding. It was found in a tomb near the river, with three others. ' +
  'A label on its back names a dealer in Paris. The handle was mended in the nineteenth century. ';

/** Seven columns, about 110 bytes a row. */
export function writeSevenColumns(path: string, rows: number): void {
  const pick = picker(7);
  const motifs = MOTIFS.split(';');
  writeCsv(path, 'Object ID,Title,Artist,Medium,Culture,Object Date,Department', rows, (row) => {
    const material = pick(MATERIALS);
    const title = `${pick(THINGS)} with ${pick(motifs)}, no. ${row}`;
    const date = 1200 + (row % 800);
    const medium = `${material} and ${pick(MATERIALS)}`;
    return `${FIRST_ID + row},"${title}",${pick(NAMES)},${medium},${pick(CULTURES)},ca. ${date},${pick(DEPARTMENTS)}`;
  });
}

/** Two columns, rows of about so many bytes. */
export function writeShortRows(path: string, rows: number, bytesARow: number): void {
  const prose = SENTENCES.repeat(Math.ceil(bytesARow / SENTENCES.length) + 1);
  writeCsv(path, 'id,text', rows, (row) => {
    const from = (row * 7) % 120;
    return `${FIRST_ID + row},"${row} ${prose.slice(from, from + bytesARow - 18)}"`;
  });
}

/** The example catalogue's 54 columns, its rows repeated with ids of their own. */
export function writeCatalogueColumns(path: string, rows: number): void {
  const [header = '', ...lines] = readFileSync(CATALOGUE, 'utf8').trimEnd().split('\n');
  const idAt = header.split(',').indexOf('Object ID');
  // Only rows without a quote before the id and without a line break in a field can be taken apart at commas.
  const parts = lines.flatMap((line) => {
    const columns = line.split(',');
    const head = columns.slice(0, idAt).join(',');
    const isWhole = (line.match(/"/g)?.length ?? 0) % 2 === 0 && !head.includes('"') && columns.length >= idAt + 40;
    return isWhole ? [{ head, tail: columns.slice(idAt + 1).join(',') }] : [];
  });
  writeCsv(path, header, rows, (row) => {
    const { head = '', tail = '' } = parts[row % parts.length] ?? {};
    return `${head},${FIRST_ID + row},${tail}`;
  });
}

/** Rows of about 5,000 bytes until the file has `bytes` bytes. Gives their number. */
export function writeLongRows(path: string, bytes: number): number {
  const pick = picker(11);
  const prose = SENTENCES.repeat(25);
  const rows = Math.ceil(bytes / 5000);
  writeCsv(path, 'Object ID,Title,Medium,Description', rows, (row) => {
    const from = (row * 7) % 120;
    return `${FIRST_ID + row},${pick(THINGS)} no. ${row},${pick(MATERIALS)},"${prose.slice(from, from + 4950)}"`;
  });
  return rows;
}

function writeCsv(path: string, header: string, rows: number, line: (row: number) => string): void {
  const file = openSync(path, 'w');
  try {
    let text = `${header}\n`;
    for (let row = 0; row < rows; row++) {
      text += `${line(row)}\n`;
      if (text.length < FLUSH_CHARS) continue;
      writeSync(file, text);
      text = '';
    }
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Draws from a list; Mulberry32, so that a seed gives the same rows everywhere. */
function picker(seed: number): (list: readonly string[]) => string {
  let state = seed;
  return (list) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return list[((mixed ^ (mixed >>> 14)) >>> 0) % list.length] ?? '';
  };
}
