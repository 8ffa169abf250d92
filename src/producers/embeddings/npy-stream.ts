/**
 * Rows of a .npy file as they come (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): versions
 * 1.0 to 3.0, (N, D) in C order, float16, float32 or float64 of either byte order.
 */
import { poisonError, type PipelineError } from '../../errors.ts';

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);
const WIDTHS: Readonly<Record<string, number>> = { f2: 2, f4: 4, f8: 8 };
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_DIMENSION = 65_536;

export interface NpyForm {
  readonly rows: number;
  readonly dimension: number;
  /** Bytes of a number. */
  readonly width: number;
  readonly isLittleEndian: boolean;
  /** Where the data begins. */
  readonly dataOffset: number;
}

/** From the first bytes of a file, 64 KiB of them where it has so many. Errors: IMPORT_NPY (poison). */
export function npyForm(head: Buffer, name: string): NpyForm {
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw bad(name, 'it is no .npy file');
  const isLong = (head[6] ?? 0) >= 2;
  const prefix = isLong ? 12 : 10;
  if (head.length < prefix) throw bad(name, 'its header is cut');
  const dataOffset = prefix + (isLong ? head.readUInt32LE(8) : head.readUInt16LE(8));
  if (dataOffset > MAX_HEADER_BYTES) throw bad(name, 'its header is longer than any');
  if (head.length < dataOffset) throw bad(name, 'its header is cut');
  const text = head.subarray(prefix, dataOffset).toString('latin1');
  const descr = /'descr':\s*'([<>=|]?)(f[248])'/.exec(text);
  const width = WIDTHS[descr?.[2] ?? ''];
  if (descr === null || width === undefined)
    throw bad(name, `its numbers are no floats (${/'descr':\s*([^,]{1,40})/.exec(text)?.[1] ?? 'unknown'})`);
  if (!/'fortran_order':\s*False/.test(text))
    throw bad(name, 'it is in Fortran order: save numpy.ascontiguousarray(vectors)');
  const shape = /'shape':\s*\((\d{1,15}),\s*(\d{1,9})\s*,?\s*\)/.exec(text);
  const dimension = Number(shape?.[2] ?? 0);
  if (shape === null || dimension < 1 || dimension > MAX_DIMENSION)
    throw bad(name, `its shape is not (N, D): ${/'shape':\s*(\([^)]{0,40}\))/.exec(text)?.[1] ?? 'unknown'}`);
  return { rows: Number(shape[1]), dimension, width, isLittleEndian: descr[1] !== '>', dataOffset };
}

/** (count, D) float32 at a time, for as many rows as the data has; what is left of a row that is cut is dropped. */
export async function* npyVectors(chunks: AsyncIterable<Buffer>, form: NpyForm): AsyncGenerator<Float32Array> {
  const { dimension, width, dataOffset } = form;
  const rowBytes = dimension * width;
  let skip = dataOffset;
  let left = form.rows;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    const data = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - data.length;
    pending.push(data);
    pendingBytes += data.length;
    const rows = Math.min(left, Math.floor(pendingBytes / rowBytes));
    if (rows === 0) continue;
    const whole = Buffer.concat(pending);
    pending = [whole.subarray(rows * rowBytes)];
    pendingBytes = whole.length - rows * rowBytes;
    left -= rows;
    yield floats(whole.subarray(0, rows * rowBytes), form);
    if (left === 0) return;
  }
}

function floats(bytes: Buffer, { width, isLittleEndian }: NpyForm): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / width);
  for (let i = 0; i < values.length; i++) {
    const at = i * width;
    if (width === 4) values[i] = view.getFloat32(at, isLittleEndian);
    else if (width === 8) values[i] = view.getFloat64(at, isLittleEndian);
    else values[i] = halfToFloat(view.getUint16(at, isLittleEndian));
  }
  return values;
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function bad(name: string, what: string): PipelineError {
  return poisonError('IMPORT_NPY', `${name} can't be imported: ${what}.`);
}
