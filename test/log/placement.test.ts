import { expect, it } from 'vitest';
import { partitionOf } from '../../src/log/partitioner.ts';
import { checkPlaces } from '../../src/log/placement.ts';
import type { LogRecord } from '../../src/log/port.ts';

const record = (id: string | null, offset: number): LogRecord => ({
  ...{ offset, timestampMs: 0, value: null, headers: {} },
  key: id === null ? null : Buffer.from(id),
});

it('finds the first key that is not where murmur2 puts it', () => {
  const ids = Array.from({ length: 50 }, (_, i) => `r${i}`).filter((id) => partitionOf(Buffer.from(id), 6) === 3);
  const stray = partitionOf(Buffer.from('a'), 6);
  expect(stray).not.toBe(3);
  const place = { topic: 'ns.records', partition: 3, partitions: 6 };
  const right = [record(null, 3), ...ids.map((id, i) => record(id, 4 + i))];
  checkPlaces(right, place);
  checkPlaces([...right, record('a', 99)], { ...place, partition: 0, partitions: 1 });
  expect(() => {
    checkPlaces([...right, record('a', 99), record('a', 100)], place);
  }).toThrow(
    expect.objectContaining({
      code: 'LOG_PARTITION_MISMATCH',
      message: expect.stringContaining(
        `Key "a" is in ns.records/3@99; with 6 partitions it belongs into partition ${stray},`,
      ) as string,
    }),
  );
});
