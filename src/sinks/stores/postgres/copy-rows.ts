import { encodeFloat16 } from '../../npy/float16.ts';

/** How ids are stored. */
export type IdType = 'text' | 'uuid' | 'int2' | 'int4' | 'int8';
export type VectorType = 'vector' | 'halfvec';

export interface RowFormat {
  readonly id: IdType;
  readonly vector: VectorType;
}

export interface StagedRow {
  readonly id: string;
  /** (D,) float32; null: the id has none any more. */
  readonly vector: Float32Array | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Signature, no flags, no extension. */
export const COPY_HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
export const COPY_TRAILER = Buffer.from([0xff, 0xff]);

/** Milliseconds from 1970 to 2000, where Postgres counts from. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const ID_BYTES = { uuid: 16, int2: 2, int4: 4, int8: 8 } as const;
const VECTOR_HEAD_BYTES = 4;
const TIMESTAMP_BYTES = 8;
const NULL_LENGTH = -1;

/** What `encodeRow` takes. */
export function rowBytes({ id, vector }: StagedRow, format: RowFormat): number {
  return 2 + 4 + idBytesOf(id, format) + 4 + vectorBytesOf(vector, format) + 4 + TIMESTAMP_BYTES;
}

function idBytesOf(id: string, format: RowFormat): number {
  return format.id === 'text' ? Buffer.byteLength(id) : ID_BYTES[format.id];
}

function vectorBytesOf(vector: Float32Array | null, format: RowFormat): number {
  return vector === null ? 0 : VECTOR_HEAD_BYTES + vector.length * (format.vector === 'vector' ? 4 : 2);
}

/**
 * One row of COPY … BINARY: id, vector or NULL, timestamp. The id has to be what its type takes; `row` has room for it.
 * Sources: https://www.postgresql.org/docs/16/sql-copy.html, vector_recv and halfvec_recv of pgvector.
 */
export function encodeRow(staged: StagedRow, format: RowFormat, row: Buffer): void {
  const { id, vector, createdAt } = staged;
  let at = row.writeInt16BE(3, 0);
  at = row.writeInt32BE(idBytesOf(id, format), at);
  at = writeId(row, at, id, format.id);
  if (vector === null) at = row.writeInt32BE(NULL_LENGTH, at);
  else {
    at = row.writeInt32BE(vectorBytesOf(vector, format), at);
    at = row.writeInt16BE(vector.length, at);
    at = row.writeInt16BE(0, at);
    at = format.vector === 'vector' ? writeFloats(row, at, vector) : writeHalves(row, at, vector);
  }
  at = row.writeInt32BE(TIMESTAMP_BYTES, at);
  row.writeBigInt64BE(BigInt(createdAt - POSTGRES_EPOCH_MS) * 1000n, at);
}

function writeId(row: Buffer, at: number, id: string, type: IdType): number {
  switch (type) {
    case 'text':
      return at + row.write(id, at, 'utf8');
    case 'uuid':
      return at + row.write(id.replaceAll('-', ''), at, 'hex');
    case 'int2':
      return row.writeInt16BE(Number(id), at);
    case 'int4':
      return row.writeInt32BE(Number(id), at);
    case 'int8':
      return row.writeBigInt64BE(BigInt(id), at);
  }
}

/** Big-endian. */
function writeFloats(row: Buffer, at: number, vector: Float32Array): number {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const end = at + bytes.copy(row, at);
  row.subarray(at, end).swap32();
  return end;
}

function writeHalves(row: Buffer, at: number, vector: Float32Array): number {
  const halves = new Uint16Array(vector.length);
  encodeFloat16(new Uint32Array(vector.buffer, vector.byteOffset, vector.length), halves, 0);
  const end = at + Buffer.from(halves.buffer).copy(row, at);
  row.subarray(at, end).swap16();
  return end;
}
