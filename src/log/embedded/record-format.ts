import type { Headers, LogRecord } from '../port.ts';

/**
 * A record as it lies in a batch (little-endian):
 *
 * | byte | type | what |
 * |---|---|---|
 * | 0 | u32 | size of the whole record |
 * | 4 | u32 | offset less the batch's base offset |
 * | 8 | f64 | timestamp, milliseconds since the epoch |
 * | 16 | i32 | key length, -1 for none |
 * | 20 | i32 | value length, -1 for a deletion |
 * | 24 | u32 | length of the headers |
 * | 28 | | key, value, headers: each u16 name length, name, u32 value length, value |
 */
export const RECORD_HEADER_BYTES = 28;

export const SIZE_AT = 0;
export const DELTA_AT = 4;
export const TIMESTAMP_AT = 8;
export const KEY_LENGTH_AT = 16;
export const VALUE_LENGTH_AT = 20;
const HEADERS_LENGTH_AT = 24;
/** Setting a typed array costs more than this many bytes in a loop. */
const SHORT_COPY = 24;

const NO_HEADERS: Headers = Object.freeze({});

export interface RecordParts {
  readonly delta: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array | undefined;
}

export function recordSize(key: Uint8Array | null, value: Uint8Array | null, headers: Uint8Array | undefined): number {
  return RECORD_HEADER_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + (headers?.length ?? 0);
}

/** Writes a record at `at` and answers where the next one begins. */
export function writeRecord(bytes: Uint8Array, view: DataView, at: number, record: RecordParts): number {
  const { key, value, headers } = record;
  let end = at + RECORD_HEADER_BYTES;
  if (key !== null) end = copyBytes(bytes, end, key);
  if (value !== null) end = copyBytes(bytes, end, value);
  if (headers !== undefined) end = copyBytes(bytes, end, headers);
  view.setUint32(at + SIZE_AT, end - at, true);
  view.setUint32(at + DELTA_AT, record.delta, true);
  view.setFloat64(at + TIMESTAMP_AT, record.timestampMs, true);
  view.setInt32(at + KEY_LENGTH_AT, key === null ? -1 : key.length, true);
  view.setInt32(at + VALUE_LENGTH_AT, value === null ? -1 : value.length, true);
  view.setUint32(at + HEADERS_LENGTH_AT, headers?.length ?? 0, true);
  return end;
}

function copyBytes(target: Uint8Array, at: number, source: Uint8Array): number {
  const length = source.length;
  if (length > SHORT_COPY) target.set(source, at);
  else for (let i = 0; i < length; i++) target[at + i] = source[i] ?? 0;
  return at + length;
}

/** The record at `at`; key and value are views into `view`'s buffer. */
export function readRecord(view: DataView<ArrayBuffer>, at: number, baseOffset: number): LogRecord {
  const { buffer } = view;
  const keyLength = view.getInt32(at + KEY_LENGTH_AT, true);
  const valueLength = view.getInt32(at + VALUE_LENGTH_AT, true);
  const headersLength = view.getUint32(at + HEADERS_LENGTH_AT, true);
  const keyAt = view.byteOffset + at + RECORD_HEADER_BYTES;
  const valueAt = keyAt + Math.max(keyLength, 0);
  const headersAt = valueAt + Math.max(valueLength, 0);
  return {
    offset: baseOffset + view.getUint32(at + DELTA_AT, true),
    timestampMs: view.getFloat64(at + TIMESTAMP_AT, true),
    key: keyLength < 0 ? null : new Uint8Array(buffer, keyAt, keyLength),
    value: valueLength < 0 ? null : new Uint8Array(buffer, valueAt, valueLength),
    headers: headersLength === 0 ? NO_HEADERS : decodeHeaders(new Uint8Array(buffer, headersAt, headersLength)),
  };
}

export function encodeHeaders(headers: Headers | undefined): Uint8Array | undefined {
  if (headers === undefined) return undefined;
  const entries = Object.entries(headers).map(([name, value]) => ({ name: Buffer.from(name), value }));
  if (entries.length === 0) return undefined;
  const encoded = Buffer.alloc(entries.reduce((sum, { name, value }) => sum + 6 + name.length + value.length, 0));
  let at = 0;
  for (const { name, value } of entries) {
    at = encoded.writeUInt16LE(name.length, at);
    encoded.set(name, at);
    at = encoded.writeUInt32LE(value.length, at + name.length);
    encoded.set(value, at);
    at += value.length;
  }
  return encoded;
}

function decodeHeaders(bytes: Uint8Array<ArrayBuffer>): Headers {
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: [string, Uint8Array][] = [];
  for (let at = 0; at < encoded.length;) {
    const valueAt = at + 2 + encoded.readUInt16LE(at);
    const end = valueAt + 4 + encoded.readUInt32LE(valueAt);
    entries.push([encoded.toString('utf8', at + 2, valueAt), bytes.subarray(valueAt + 4, end)]);
    at = end;
  }
  return Object.fromEntries(entries);
}
