import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, packAppend } from '../../../src/log/embedded/append-packing.ts';
import { PackedRecords } from '../../../src/log/embedded/packed-records.ts';
import type { TopicRow } from '../../../src/log/embedded/protocol.ts';
import type { LogRecord, OutputRecord } from '../../../src/log/port.ts';

const topics = new Map<string, TopicRow>([
  ['one', { name: 'one', partitions: 3, cleanup: 'compact', partitionIds: [11, 12, 13] }],
  ['two', { name: 'two', partitions: 1, cleanup: 'compact', partitionIds: [20] }],
]);

/** What a reader of each partition row gets back. */
function unpack(records: readonly OutputRecord[], take: number): Map<number, LogRecord[]> {
  const { buffer, chunks } = packAppend(records, topics, 77);
  const read = new Map<number, LogRecord[]>();
  for (const { partitionId, start, end, count } of chunks) {
    const partition = read.get(partitionId) ?? [];
    read.set(partitionId, partition);
    const fetched = new PackedRecords({
      segments: [{ baseOffset: partition.length, bytes: new Uint8Array(buffer, start, end - start) }],
      nextOffset: partition.length + count,
    });
    while (!fetched.isEmpty()) partition.push(...fetched.take(take));
  }
  return read;
}

const bytes = fc.uint8Array({ maxLength: 60 });
const output: fc.Arbitrary<OutputRecord> = fc.record(
  {
    topic: fc.constantFrom('one', 'two'),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      bytes,
      { maxKeys: 3, noNullPrototype: true },
    ),
    timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  },
  { requiredKeys: ['topic', 'key', 'value'] },
);

describe('packAppend', () => {
  it('gives back every record, in its order within a partition', () => {
    fc.assert(
      fc.property(fc.array(output, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (records, take) => {
        const read = unpack(records, take);
        const two = records.filter(({ topic }) => topic === 'two');
        expect((read.get(20) ?? []).map((record) => ({ ...record, offset: 0 }))).toEqual(
          two.map(({ key, value, headers, timestampMs }) => ({
            offset: 0,
            timestampMs: timestampMs ?? 77,
            key,
            value,
            headers: headers ?? {},
          })),
        );
        expect([...read.values()].flat()).toHaveLength(records.length);
        for (const partition of read.values())
          expect(partition.map(({ offset }) => offset)).toEqual(partition.map((_, i) => i));
      }),
    );
  });

  it('cuts a large append into chunks of at most 1 MiB, unless one record is larger', () => {
    const value = new Uint8Array(300_000);
    const records = Array.from({ length: 10 }, () => ({ topic: 'two', key: null, value }));
    const { chunks } = packAppend(
      [...records, { topic: 'two', key: null, value: new Uint8Array(3_000_000) }],
      topics,
      0,
    );
    expect(chunks.map(({ count }) => count)).toEqual([3, 3, 3, 1, 1]);
    for (const { start, end, count } of chunks) if (count > 1) expect(end - start).toBeLessThanOrEqual(CHUNK_BYTES);
  });
});
