import { MAX_RECORD_BYTES } from '../../log/port.ts';
import { fault, type ImportFault, type ImportRow } from './row.ts';

const MAX_ID_BYTES = 1024;
/** Room for keys, headers and the frame. */
const MAX_VALUE_BYTES = MAX_RECORD_BYTES - 16 * 1024;

export interface Expectation {
  readonly model: string;
  /** What files may call it: in lower case. */
  readonly names: ReadonlySet<string>;
  /** undefined: the first row decides. */
  readonly dimension: number | undefined;
}

/** True for the name or an alias, with or without an organisation before it (`org/name`), in any case. */
export function isModel(claimed: string, { names }: Pick<Expectation, 'names'>): boolean {
  const name = claimed.toLowerCase();
  return names.has(name) || names.has(name.slice(name.lastIndexOf('/') + 1));
}

/** What is wrong with a row by itself; undefined: nothing. */
export function faultOf(row: ImportRow, file: string, expected: Expectation): ImportFault | undefined {
  const { id, vector, model, dimension } = row;
  const refuse = (code: string, reason: string): ImportFault =>
    fault(code, `${file}:${row.row}: ${reason}`, row.row, row.raw());
  if (Buffer.byteLength(id) > MAX_ID_BYTES || id.startsWith('\0'))
    return refuse('IMPORT_BAD_ID', `an id has at most ${MAX_ID_BYTES} bytes and does not begin with NUL.`);
  if (model !== undefined && !isModel(model, expected))
    return refuse('IMPORT_MODEL', wrongModel(model, expected.model));
  if (dimension !== undefined && dimension !== vector.length)
    return refuse('IMPORT_DIMENSION', `it says ${dimension} dimensions, but has ${vector.length} numbers.`);
  if (vector.length === 0) return refuse('IMPORT_DIMENSION', 'its vector is empty.');
  if (expected.dimension !== undefined && vector.length !== expected.dimension)
    return refuse('IMPORT_DIMENSION', wrongDimension(vector.length, expected.dimension));
  if (!vector.every(Number.isFinite))
    return refuse(
      'IMPORT_NOT_FINITE',
      'its vector holds NaN, infinity or a number beyond float32, which no search can compare: embed it anew.',
    );
  return undefined;
}

export function tooLarge(row: ImportRow, file: string, bytes: number): ImportFault | undefined {
  if (bytes <= MAX_VALUE_BYTES) return undefined;
  const reason = `${file}:${row.row}: text, metadata and vector take ${bytes} bytes; a record has at most ${MAX_VALUE_BYTES}.`;
  return fault('IMPORT_ROW_TOO_LARGE', reason, row.row, row.raw());
}

export function wrongModel(claimed: string, model: string): string {
  return `it is of the model ${JSON.stringify(claimed)}, not of ${model}: import it under that name, or say with --known-as=NAME that they are the same.`;
}

export function wrongDimension(dimension: number, expected: number): string {
  return `it has ${dimension} dimensions, but the model has ${expected}: is it of another model?`;
}
