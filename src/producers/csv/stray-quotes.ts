import type { RowScanner } from './row-scanner.ts';

const LF = 0x0a;
const CR = 0x0d;
/** Delimiters on the lines between a row's first and last that make it certain that they are rows. */
const SWALLOWED_DELIMITERS = 8;

/** Whether the row in `scanner` would have had `columns` fields if its last multi-line quoted field were not quoted. */
export function strayQuoteExplains(scanner: RowScanner, bytes: Uint8Array, columns: number): boolean {
  const { brokenField, breakAt, starts, delimiter } = scanner;
  if (brokenField < 0) return false;
  let fields = brokenField + 1;
  for (let at = starts[brokenField] ?? 0; at < breakAt; at++) if (bytes[at] === delimiter) fields++;
  return fields === columns;
}

/**
 * Whether the well-formed row of several lines that begins at `from` is really as many rows, swallowed by a stray quote
 * that some later line happens to close: every line by itself has `columns` fields. Text can't come by that on its own,
 * since its first and last lines share theirs with other fields; `SWALLOWED_DELIMITERS` keep chance out.
 */
export function hasSwallowedRows(scanner: RowScanner, bytes: Uint8Array, from: number, columns: number): boolean {
  let delimiters = 0;
  let lines = 1;
  for (let at = from; at < scanner.end; at++) {
    const byte = bytes[at];
    if (byte === scanner.delimiter) delimiters++;
    else if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) {
      if (delimiters !== lines * (columns - 1)) return false;
      lines++;
    }
  }
  return delimiters === lines * (columns - 1) && (lines - 2) * (columns - 1) >= SWALLOWED_DELIMITERS;
}
