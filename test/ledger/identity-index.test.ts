import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityIndex } from '../../src/ledger/identity-index.ts';

const bytesOf = (id: string) => Buffer.from(id);

describe('IdentityIndex', () => {
  it.each([
    ['all ids', undefined],
    ['some ids', 40],
    ['no id', 0],
  ])('numbers ids as a Map does in any order, when it remembers %s', (_what, rememberedBytes) => {
    const step = fc.record({ add: fc.boolean(), id: fc.oneof(fc.nat({ max: 60 }).map(String), fc.constant('')) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.boolean(), (steps, sorted) => {
        const index = new IdentityIndex({ rememberedBytes });
        const model = new Map<string, number>();
        // Sorted ones follow one another, and take the way that needs no hash.
        for (const { add, id } of sorted ? steps.toSorted((a, b) => a.id.localeCompare(b.id)) : steps) {
          if (add && !model.has(id)) model.set(id, model.size);
          expect(add ? index.add(bytesOf(id)) : index.find(bytesOf(id))).toBe(model.get(id) ?? -1);
        }
        expect(index.size).toBe(model.size);
        for (const [id, number] of [...model, ...model]) expect(index.find(bytesOf(id))).toBe(number);
        expect(index.find(bytesOf('never'))).toBe(-1);
      }),
    );
  });

  it('takes an id from within other bytes', () => {
    const index = new IdentityIndex();
    const bytes = bytesOf('xKäthey');
    expect(index.add(bytes, 1, bytes.length - 1)).toBe(0);
    expect(index.find(bytesOf('Käthe'))).toBe(0);
    expect(index.find(bytes)).toBe(-1);
  });

  it('holds 300,000 ids of six bytes in at most 40 bytes each', () => {
    const index = new IdentityIndex();
    for (let i = 0; i < 300_000; i++) index.add(bytesOf(String(i)));
    expect(index.size).toBe(300_000);
    expect(index.byteLength / index.size).toBeLessThan(40);
    for (let i = 0; i < 300_000; i += 997) expect(index.find(bytesOf(String(i)))).toBe(i);
  });
});
