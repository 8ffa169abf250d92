import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LengthPool, type LengthPoolOptions } from '../../../src/models/local/length-pool.ts';

interface Row {
  readonly window: number;
  readonly length: number;
}

function rowsOf(windows: readonly (readonly number[])[]): Row[][] {
  return windows.map((lengths, window) => lengths.map((length) => ({ window, length })));
}

function takeAll(pool: LengthPool<Row>): Row[][] {
  const batches: Row[][] = [];
  for (let batch = pool.take(); batch; batch = pool.take()) batches.push(batch);
  return batches;
}

function batchesOf(windows: readonly (readonly number[])[], options: LengthPoolOptions): Row[][] {
  const pool = new LengthPool<Row>(options);
  for (const rows of rowsOf(windows)) pool.add(rows);
  return takeAll(pool);
}

const windows = fc.array(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 80 }), { maxLength: 4 });
const options = fc.record({ batchTokens: fc.integer({ min: 1, max: 2048 }), pads: fc.boolean() });

describe('LengthPool', () => {
  it('puts every row into exactly one batch, within the cap, longest first', () => {
    fc.assert(
      fc.property(windows, options, (lengths, { batchTokens, pads }) => {
        const pool = new LengthPool<Row>({ batchTokens, pads });
        const all = rowsOf(lengths);
        for (const rows of all) pool.add(rows);
        expect(pool.size).toBe(all.flat().length);
        const batches = takeAll(pool);
        expect(pool.size).toBe(0);
        const taken = batches.flat();
        expect(taken.length).toBe(all.flat().length);
        expect(new Set(taken)).toEqual(new Set(all.flat()));
        for (const batch of batches) {
          const padded = batch[0]!.length;
          expect(batch.length === 1 || batch.length * padded <= batchTokens).toBe(true);
          batch.forEach((row, i) => {
            expect(row.length <= (batch[i - 1]?.length ?? padded)).toBe(true);
          });
          if (!pads) expect(batch.every((row) => row.length === padded)).toBe(true);
          expect(batch.at(-1)!.length).toBeGreaterThanOrEqual(padded * 0.85);
        }
      }),
    );
  });

  it("begins each batch with the oldest window's longest row", () => {
    fc.assert(
      fc.property(windows, options, (lengths, poolOptions) => {
        const batches = batchesOf(lengths, poolOptions);
        const heads = batches.map((batch) => batch[0]!);
        let left = rowsOf(lengths).map((rows) => rows.map((row) => row.length));
        heads.forEach((head, i) => {
          left = left.filter((rows) => rows.length > 0);
          expect(head.length).toBe(Math.max(...left[0]!));
          const byWindow = Map.groupBy(batches[i]!, (row) => row.window);
          const remaining = [
            ...new Set(
              batches
                .slice(i)
                .flat()
                .map((row) => row.window),
            ),
          ].sort((a, b) => a - b);
          remaining.forEach((window, at) => {
            for (const row of byWindow.get(window) ?? []) left[at]!.splice(left[at]!.indexOf(row.length), 1);
          });
        });
      }),
      { numRuns: 50 },
    );
  });

  it('fills a batch with rows of the same length from later windows', () => {
    const [batch] = batchesOf([[10, 10], [10, 10, 10], [12]], { batchTokens: 1000, pads: false });
    expect(batch!.map((row) => row.window)).toEqual([0, 0, 1, 1, 1]);
  });

  it('cuts into even parts', () => {
    const batches = batchesOf([Array.from({ length: 30 }, () => 22)], { batchTokens: 512, pads: false });
    expect(batches.map((batch) => batch.length)).toEqual([15, 15]);
  });

  it('pads somewhat shorter rows into a small batch only where the model masks', () => {
    const lengths = [[20, 19, 18, 5]];
    expect(batchesOf(lengths, { batchTokens: 512, pads: true }).map((batch) => batch.length)).toEqual([3, 1]);
    expect(batchesOf(lengths, { batchTokens: 512, pads: false }).map((batch) => batch.length)).toEqual([1, 1, 1, 1]);
  });

  it('gives back what is removed, and no more', () => {
    fc.assert(
      fc.property(windows, options, fc.nat(3), (lengths, poolOptions, gone) => {
        const pool = new LengthPool<Row>(poolOptions);
        const all = rowsOf(lengths);
        for (const rows of all) pool.add(rows);
        const first = pool.take() ?? [];
        pool.remove(all[gone] ?? []);
        pool.remove(all[gone] ?? []);
        const rest = takeAll(pool);
        const expected = all.flat().filter((row) => !first.includes(row) && row.window !== gone);
        expect(new Set(rest.flat())).toEqual(new Set(expected));
        expect(rest.flat().length).toBe(expected.length);
        expect(pool.size).toBe(0);
      }),
    );
  });
});
