import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passesFor, RecordBits, SupersededFinder } from '../../../src/log/embedded/compaction-plan.ts';
import { keyDigests } from '../../../src/log/embedded/key-digests.ts';
import { recordSize, writeRecord } from '../../../src/log/embedded/record-format.ts';

interface Item {
  readonly key: string | null;
  readonly isTombstone: boolean;
}

function digestsOf(items: readonly Item[]): Uint32Array {
  const records = items.map(({ key, isTombstone }, delta) => ({
    delta,
    timestampMs: 0,
    key: key === null ? null : Buffer.from(key),
    value: isTombstone ? null : Buffer.from('v'),
    headers: undefined,
  }));
  const bytes = new Uint8Array(records.reduce((sum, { key, value }) => sum + recordSize(key, value, undefined), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const record of records) at = writeRecord(bytes, view, at, record);
  return keyDigests(bytes, items.length, 42);
}

function live(items: readonly Item[], passes: number, dropTombstones: boolean): number[] {
  const dead = new RecordBits(items.length);
  const half = Math.floor(items.length / 2);
  for (let pass = 0; pass < passes; pass++) {
    const finder = new SupersededFinder(items.length, passes, pass, dead);
    finder.add(digestsOf(items.slice(0, half)), 0, dropTombstones);
    finder.add(digestsOf(items.slice(half)), half, dropTombstones);
  }
  return items.map((_, i) => i).filter((i) => !dead.has(i));
}

const items = fc.array(
  fc.record({
    key: fc.option(fc.constantFrom('a', 'b', 'c', 'key of more than sixteen bytes')),
    isTombstone: fc.boolean(),
  }),
  { maxLength: 60 },
);

describe('SupersededFinder', () => {
  it('leaves the latest of each key, and all records without one, whatever the number of passes', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 4 }), fc.boolean(), (list, passes, dropTombstones) => {
        const expected = list.flatMap(({ key, isTombstone }, i) => {
          if (key === null) return [i];
          const isLatest = !list.slice(i + 1).some((later) => later.key === key);
          return isLatest && !(isTombstone && dropTombstones) ? [i] : [];
        });
        expect(live(list, passes, dropTombstones)).toEqual(expected);
      }),
    );
  });

  it('takes more passes rather than more memory', () => {
    expect(passesFor(0)).toBe(1);
    expect(passesFor(1_000_000)).toBe(1);
    expect(passesFor(100_000_000)).toBe(64);
  });
});
