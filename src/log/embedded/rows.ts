import type { SQLOutputValue } from 'node:sqlite';
import { fatalError } from '../../errors.ts';

/** Columns of a row by their types; what is not of its type means that the file is not ours or is damaged. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw unexpected(column, value);
  return value;
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw unexpected(column, value);
  return value;
}

export function blob(row: Row, column: string): Uint8Array<ArrayBuffer> {
  const value = row[column];
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) throw unexpected(column, value);
  return new Uint8Array(value.buffer, value.byteOffset, value.length);
}

function unexpected(column: string, value: SQLOutputValue | undefined): Error {
  return fatalError(
    'LOG_UNREADABLE',
    `The log is damaged: column "${column}" holds ${value === null ? 'nothing' : typeof value}.`,
  );
}
