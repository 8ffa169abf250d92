import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../../src/log/partitioner.ts';
import { Versions } from '../../../src/operations/repartition/versions.ts';

const key = (text: string): Buffer => Buffer.from(text);
/** "a" belongs to partition 3 of 6. */
const HOME = partitionOf(key('a'), 6);
const [elsewhere = 0, further = 0] = [0, 1, 2, 3, 4, 5].filter((partition) => partition !== HOME);

function newest(
  notes: readonly (readonly [partition: number, offset: number, timeMs: number, isLive?: boolean])[],
  preferred?: number,
): unknown {
  const versions = new Versions({ partitions: 6, ...(preferred !== undefined && { preferred: () => preferred }) });
  for (const [partition, offset, timeMs, isLive = true] of notes)
    versions.note(key('a'), { partition, offset, isLive }, timeMs);
  return versions.find(key('a'));
}

describe('of the versions of a key', () => {
  it.each([
    [
      'the later one in a partition, whatever its time',
      [
        [0, 1, 9],
        [0, 2, 5],
      ] as const,
      undefined,
      1,
    ],
    [
      'over partitions the later time',
      [
        [elsewhere, 7, 5],
        [HOME, 0, 6],
      ] as const,
      undefined,
      1,
    ],
    [
      'also where the key does not belong',
      [
        [HOME, 0, 6],
        [elsewhere, 7, 7],
      ] as const,
      undefined,
      1,
    ],
    [
      'at the same time where it belongs',
      [
        [HOME, 0, 6],
        [elsewhere, 7, 6],
      ] as const,
      undefined,
      0,
    ],
    [
      'in either order',
      [
        [elsewhere, 7, 6],
        [HOME, 0, 6],
      ] as const,
      undefined,
      1,
    ],
    [
      'where it belongs nowhere, the higher partition',
      [
        [elsewhere, 7, 6],
        [further, 0, 6],
      ] as const,
      undefined,
      1,
    ],
    [
      'the preferred partition before all',
      [
        [elsewhere, 7, 5],
        [HOME, 0, 6],
      ] as const,
      elsewhere,
      0,
    ],
    [
      'in either order, too',
      [
        [HOME, 0, 6],
        [elsewhere, 7, 5],
      ] as const,
      elsewhere,
      1,
    ],
    [
      'the newest of others where the preferred one has none',
      [
        [elsewhere, 7, 5],
        [HOME, 0, 6],
      ] as const,
      further,
      1,
    ],
  ])('%s', (_, notes, preferred, index) => {
    const [partition, offset] = notes[index] ?? [];
    expect(newest(notes, preferred)).toEqual({ partition, offset, isLive: true });
  });

  it('a deletion counts like any other', () => {
    expect(
      newest([
        [HOME, 1, 5],
        [HOME, 2, 6, false],
      ]),
    ).toEqual({ partition: HOME, offset: 2, isLive: false });
    expect(
      newest([
        [HOME, 2, 6, false],
        [elsewhere, 2, 5],
      ]),
    ).toMatchObject({ isLive: false });
  });
});

it('keeps what it is given, up to its limits, and the place of the copy after that', () => {
  const note = fc.record({
    partition: fc.integer({ min: 0, max: 2 ** 13 - 1 }),
    offset: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    isLive: fc.boolean(),
    timeMs: fc.integer({ min: 0, max: 2 ** 42 - 1 }),
    copy: fc.integer({ min: 0, max: 2 ** 42 - 1 }),
  });
  fc.assert(
    fc.property(fc.array(note, { maxLength: 50 }), (notes) => {
      const versions = new Versions({ partitions: 2 ** 13 });
      notes.forEach(({ timeMs, partition, offset, isLive }, i) => {
        versions.note(key(`k${i}`), { partition, offset, isLive }, timeMs);
      });
      notes.forEach(({ copy }, i) => {
        versions.setCopy(key(`k${i}`), copy);
      });
      notes.forEach(({ partition, offset, isLive, copy }, i) => {
        expect(versions.find(key(`k${i}`))).toEqual({ partition, offset, isLive });
        expect(versions.copyOf(key(`k${i}`))).toBe(copy);
        expect(versions.isNewest(key(`k${i}`), partition, offset)).toBe(true);
        expect(versions.isNewest(key(`k${i}`), partition, offset + 1)).toBe(false);
      });
      expect(versions.size).toBe(notes.length);
    }),
  );
});

it('refuses what it has no room for', () => {
  const versions = new Versions({ partitions: 6 });
  expect(versions.find(key('a'))).toBeUndefined();
  expect(() => {
    versions.note(key('a'), { partition: 0, offset: 2 ** 40, isLive: true }, 0);
  }).toThrow(RangeError);
  expect(() => new Versions({ partitions: 2 ** 13 + 1 })).toThrow(RangeError);
});
