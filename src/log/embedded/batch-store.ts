import type { StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { fatalError } from '../../errors.ts';
import type { LogDatabase } from './database.ts';
import { bytesOf, keyDigests } from './key-digests.ts';
import type { AppendedChunk, AppendRequest, Fetched, FetchedSegment, FetchRange } from './protocol.ts';
import { DELTA_AT, SIZE_AT } from './record-format.ts';
import { blob, integer, type Row } from './rows.ts';

export interface StoredBatch {
  readonly partitionId: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly appendedAt: number;
  readonly digests: Uint32Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Batches of records as rows of the log's file. Appending methods expect to be called within a transaction. */
export class BatchStore {
  readonly #path: string;
  readonly #digestSeed: number;
  readonly #insert: StatementSync;
  readonly #endOffset: StatementSync;
  readonly #setEndOffset: StatementSync;
  readonly #next: StatementSync;
  readonly #nextBytes: StatementSync;

  constructor(database: LogDatabase) {
    const { connection } = database;
    this.#path = database.path;
    this.#digestSeed = database.digestSeed;
    this.#insert = connection.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#endOffset = connection.prepare('SELECT end_offset FROM partitions WHERE id = ?');
    this.#setEndOffset = connection.prepare('UPDATE partitions SET end_offset = ? WHERE id = ?');
    // One statement reads a whole batch, so that compaction by another process can't come in between.
    const next = 'FROM batches WHERE partition_id = ? AND last_offset >= ? ORDER BY last_offset LIMIT 1';
    this.#next = connection.prepare(`SELECT base_offset, last_offset, crc, data ${next}`);
    this.#nextBytes = connection.prepare(`SELECT bytes ${next}`);
  }

  endOffset(partitionId: number): number {
    const row = this.#endOffset.get(partitionId);
    if (row === undefined)
      throw fatalError('LOG_TOPIC_UNKNOWN', `${this.#path} has no partition with the number ${partitionId}.`);
    return integer(row, 'end_offset');
  }

  append({ chunks, buffer, nowMs }: AppendRequest): readonly AppendedChunk[] {
    const ends = new Map<number, number>();
    const appended = chunks.map(({ partitionId, start, end, count }) => {
      const baseOffset = ends.get(partitionId) ?? this.endOffset(partitionId);
      const lastOffset = baseOffset + count - 1;
      const data = new Uint8Array(buffer, start, end - start);
      const digests = keyDigests(data, count, this.#digestSeed);
      this.insert({ partitionId, baseOffset, lastOffset, count, appendedAt: nowMs, digests, data });
      ends.set(partitionId, lastOffset + 1);
      return { partitionId, firstOffset: baseOffset, lastOffset };
    });
    for (const [partitionId, end] of ends) this.#setEndOffset.run(end, partitionId);
    return appended;
  }

  insert({ partitionId, baseOffset, lastOffset, count, appendedAt, digests, data }: StoredBatch): void {
    const crc = crc32(data);
    this.#insert.run(partitionId, lastOffset, baseOffset, count, data.length, appendedAt, crc, bytesOf(digests), data);
  }

  fetch({ partitionId, from, to, maxBytes }: FetchRange): Fetched {
    // Read before the batches: what is committed in between is left for the next fetch.
    const limit = Math.min(to, this.endOffset(partitionId));
    const segments: FetchedSegment[] = [];
    let room = maxBytes;
    let nextOffset = from;
    while (nextOffset < limit) {
      if (segments.length > 0 && this.#bytesOfNext(partitionId, nextOffset) > room) return { segments, nextOffset };
      const batch = this.#next.get(partitionId, nextOffset);
      if (batch === undefined) break;
      const baseOffset = integer(batch, 'base_offset');
      if (baseOffset >= limit) break;
      const data = this.#checked(batch, partitionId);
      const part = partOf(data, baseOffset, nextOffset, limit, room);
      if (part.end > part.start) segments.push({ baseOffset, bytes: viewOf(data, part.start, part.end) });
      room -= part.end - part.start;
      nextOffset = part.isLast ? Math.min(limit, integer(batch, 'last_offset') + 1) : part.nextOffset;
      if (!part.isLast) return { segments, nextOffset };
    }
    return { segments, nextOffset: Math.max(from, limit) };
  }

  /** The batch that ends at an offset, for one who knows that it is there. */
  read(partitionId: number, lastOffset: number): Uint8Array<ArrayBuffer> {
    const batch = this.next(partitionId, lastOffset);
    if (batch === undefined) throw fatalError('LOG_UNREADABLE', `${this.#path} is damaged: a batch of it vanished.`);
    return batch.data;
  }

  /** The first batch that ends at this offset or later. */
  next(partitionId: number, offset: number): Pick<StoredBatch, 'baseOffset' | 'lastOffset' | 'data'> | undefined {
    const batch = this.#next.get(partitionId, offset);
    if (batch === undefined) return undefined;
    const data = this.#checked(batch, partitionId);
    return { baseOffset: integer(batch, 'base_offset'), lastOffset: integer(batch, 'last_offset'), data };
  }

  #bytesOfNext(partitionId: number, offset: number): number {
    const next = this.#nextBytes.get(partitionId, offset);
    return next === undefined ? 0 : integer(next, 'bytes');
  }

  #checked(batch: Row, partitionId: number): Uint8Array<ArrayBuffer> {
    const data = blob(batch, 'data');
    if (crc32(data) === integer(batch, 'crc')) return data;
    const where = `partition number ${partitionId} up to offset ${integer(batch, 'last_offset')}`;
    throw fatalError(
      'LOG_UNREADABLE',
      `${this.#path} is damaged: the checksum of its batch of ${where} is wrong. Restore the file from a copy, or use ` +
        `another data folder and produce the sources again.`,
    );
  }
}

interface Part {
  readonly start: number;
  readonly end: number;
  /** Up to the batch's end or the limit; otherwise reading goes on at `nextOffset`. */
  readonly isLast: boolean;
  readonly nextOffset: number;
}

/** The records of [from, limit) in a batch, as many as fit in `room` bytes but at least one. */
function partOf(data: Uint8Array<ArrayBuffer>, baseOffset: number, from: number, limit: number, room: number): Part {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let start = 0;
  while (start < data.length && baseOffset + view.getUint32(start + DELTA_AT, true) < from) {
    start += view.getUint32(start + SIZE_AT, true);
  }
  let end = start;
  while (end < data.length) {
    const offset = baseOffset + view.getUint32(end + DELTA_AT, true);
    if (offset >= limit) break;
    const size = view.getUint32(end + SIZE_AT, true);
    if (end > start && end + size - start > room) return { start, end, isLast: false, nextOffset: offset };
    end += size;
  }
  return { start, end, isLast: true, nextOffset: limit };
}

/** A copy when a view would keep much more in memory than it shows. */
function viewOf(data: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer> {
  return (end - start) * 2 < data.length ? data.slice(start, end) : data.subarray(start, end);
}
