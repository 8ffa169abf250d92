import { createReadStream } from 'node:fs';
import type { ShardKeys } from './read-parquet.ts';
import { fatalError } from '../../errors.ts';

const NEWLINE = 0x0a;

/**
 * Ids and offsets out of a `.keys.jsonl` file, a block of lines at a time.
 * Errors: FILE_SINK_KEYS_UNREADABLE; those of the file system pass through.
 */
export async function* readKeysFile(path: string): AsyncGenerator<ShardKeys, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield keysOfLines(bytes.toString('utf8', 0, end - 1).split('\n'), path);
  }
  if (rest.length > 0) throw unreadable(path, 'its last line is cut');
}

function keysOfLines(lines: readonly string[], path: string): ShardKeys {
  const ids: Buffer[] = [];
  const idStarts = new Int32Array(lines.length + 1);
  const offsets = new Float64Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const { id, offset } = keyOf(line, path);
    const bytes = Buffer.from(id);
    ids.push(bytes);
    idStarts[i + 1] = (idStarts[i] ?? 0) + bytes.length;
    offsets[i] = offset;
  }
  return { rows: lines.length, ids: Buffer.concat(ids), idStarts, offsets };
}

function keyOf(line: string, path: string): { readonly id: string; readonly offset: number } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw unreadable(path, 'a line is no JSON');
  }
  const { id, offset } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || typeof offset !== 'number') throw unreadable(path, 'a line has no id or no offset');
  return { id, offset };
}

function unreadable(path: string, what: string): Error {
  return fatalError('FILE_SINK_KEYS_UNREADABLE', `${path} can't be read as ids and offsets: ${what}.`);
}
