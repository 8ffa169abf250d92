/**
 * The header of a .npy file, format version 1.0
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic, version, length of the dictionary,
 * the dictionary as a Python literal, padded with spaces so that the data begins at a multiple of 64.
 */
import { fatalError } from '../../errors.ts';

/** Room for any shape, so that the count can be written when it is known. */
export const NPY_HEADER_BYTES = 128;
const PREFIX_BYTES = 10;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

export type NpyDescr = '<f4' | '<f2';

export interface NpyHeader {
  readonly descr: NpyDescr;
  /** (N, D), C-order. */
  readonly shape: readonly [rows: number, dimension: number];
  /** Where the data begins. */
  readonly dataOffset: number;
}

export function encodeNpyHeader(descr: NpyDescr, rows: number, dimension: number): Uint8Array {
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${dimension}), }`;
  const room = NPY_HEADER_BYTES - PREFIX_BYTES;
  const header = new Uint8Array(NPY_HEADER_BYTES);
  header.set(MAGIC);
  new DataView(header.buffer).setUint16(MAGIC.length, room, true);
  header.set(Buffer.from(`${dictionary.padEnd(room - 1)}\n`, 'latin1'), PREFIX_BYTES);
  return header;
}

/** Reads versions 1.0 to 3.0, C-order, two dimensions, <f4 or <f2. Errors: FILE_SINK_NPY_UNREADABLE. */
export function decodeNpyHeader(bytes: Uint8Array, path: string): NpyHeader {
  const unreadable = (what: string): never => {
    throw fatalError('FILE_SINK_NPY_UNREADABLE', `${path} can't be read as embeddings: ${what}.`);
  };
  if (MAGIC.slice(0, 6).some((byte, i) => bytes[i] !== byte)) unreadable('it is no .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (bytes[6] ?? 0) >= 2;
  const prefix = long ? PREFIX_BYTES + 2 : PREFIX_BYTES;
  if (bytes.length < prefix) unreadable('its header is cut');
  const dataOffset = prefix + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  if (bytes.length < dataOffset) unreadable('its header is cut');
  const text = Buffer.from(bytes.subarray(prefix, dataOffset)).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shape = /'shape':\s*\((\d+),\s*(\d+)\s*,?\s*\)/.exec(text);
  if (descr !== '<f4' && descr !== '<f2') return unreadable(`its type is ${descr ?? 'unknown'}, not <f4 or <f2`);
  if (!/'fortran_order':\s*False/.test(text)) unreadable('it is in Fortran order');
  if (shape === null) return unreadable('it has not two dimensions');
  return { descr, shape: [Number(shape[1]), Number(shape[2])], dataOffset };
}
