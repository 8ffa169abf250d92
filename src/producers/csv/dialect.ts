import type { ScanStatus } from './row-scanner.ts';
import { EMPTY_LINE, INCOMPLETE, ROW, RowScanner } from './row-scanner.ts';

/** In the order in which they are preferred. */
const CANDIDATES = [',', ';', '\t', '|', ':'] as const;
const NAMES: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'pipe',
  ':': 'colon',
  ' ': 'space',
};
const SAMPLE_ROWS = 2_000;
/** A candidate this much less consistent than the best one is out. */
const CONSISTENCY_MARGIN = 0.1;

export interface DialectSample {
  /** `sep=;` on the first line, as Excel reads and writes it. */
  readonly hasSepLine: boolean;
  readonly delimiter: number;
  readonly header: readonly string[];
  /** Whole, well-formed rows with as many fields as the header. */
  readonly rows: readonly (readonly string[])[];
}

/** The delimiter of a `sep=` line at the very beginning, or undefined. */
export function sepLine(utf8: Uint8Array): number | undefined {
  const start = Buffer.from(utf8.buffer, utf8.byteOffset, Math.min(utf8.length, 16)).toString('latin1');
  return /^"?sep=([^"\r\n])"?[\r\n]/i.exec(start)?.[1]?.charCodeAt(0);
}

/**
 * The delimiter by which the sample's rows most consistently have as many fields as the header; of equally
 * consistent ones the one that makes most columns. A comma when nothing splits the header.
 */
export function detectDelimiter(utf8: Uint8Array, complete: boolean): number {
  const scored = CANDIDATES.map((character) => {
    const delimiter = character.charCodeAt(0);
    return { delimiter, ...consistency(utf8, delimiter, complete) };
  }).filter(({ columns }) => columns > 1);
  const best = Math.max(0, ...scored.map(({ share }) => share));
  const good = scored.filter(({ share }) => share >= best - CONSISTENCY_MARGIN);
  return good.reduce((a, b) => (b.columns > a.columns ? b : a), good[0] ?? { delimiter: 0x2c, columns: 1 }).delimiter;
}

function consistency(utf8: Uint8Array, delimiter: number, complete: boolean): { columns: number; share: number } {
  const scanner = new RowScanner(delimiter);
  let columns = 0;
  let rows = 0;
  let equal = 0;
  for (const status of scanSample(scanner, utf8, complete)) {
    if (columns === 0) {
      columns = scanner.fieldCount;
      continue;
    }
    rows++;
    if (status === ROW && scanner.fieldCount === columns && scanner.textAfterQuote < 0) equal++;
  }
  return { columns, share: rows === 0 ? 1 : equal / rows };
}

/** Header and rows of a sample; the header is empty when the sample begins with no whole, well-formed row. */
export function readSample(utf8: Uint8Array, given: number | undefined, complete: boolean): DialectSample {
  const sep = sepLine(utf8);
  const table = sep === undefined ? utf8 : utf8.subarray(behindFirstLine(utf8));
  const delimiter = given ?? sep ?? detectDelimiter(table, complete);
  const scanner = new RowScanner(delimiter);
  let header: readonly string[] | undefined;
  const rows: string[][] = [];
  for (const status of scanSample(scanner, table, complete)) {
    const isWhole = status === ROW && scanner.textAfterQuote < 0 && !scanner.hasNul;
    if (header === undefined) {
      if (!isWhole) break;
      header = cells(table, scanner);
    } else if (isWhole && scanner.fieldCount === header.length) rows.push(cells(table, scanner));
  }
  return { hasSepLine: sep !== undefined, delimiter, header: header ?? [], rows };
}

/** Scans the rows of a sample one by one; what was found stands in `scanner`. */
function* scanSample(scanner: RowScanner, utf8: Uint8Array, complete: boolean): Generator<ScanStatus> {
  let rows = 0;
  for (let at = 0; at < utf8.length && rows < SAMPLE_ROWS; at = scanner.next) {
    const status = scanner.scan(utf8, at, utf8.length, complete);
    if (status === INCOMPLETE) return;
    if (status === EMPTY_LINE) continue;
    rows++;
    yield status;
  }
}

function cells(utf8: Uint8Array, scanner: RowScanner): string[] {
  const bytes = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length);
  return Array.from({ length: scanner.fieldCount }, (_, index) => {
    const text = bytes.toString('utf8', scanner.starts[index], scanner.ends[index]);
    return (scanner.doubled[index] === 1 ? text.replaceAll('""', '"') : text).trim();
  });
}

function behindFirstLine(utf8: Uint8Array): number {
  const end = utf8.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  return utf8[end] === 0x0d && utf8[end + 1] === 0x0a ? end + 2 : end + 1;
}

export function delimiterName(delimiter: number): string {
  const character = String.fromCharCode(delimiter);
  return NAMES[character] ?? `"${character}"`;
}
