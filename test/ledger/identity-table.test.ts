import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityTable } from '../../src/ledger/identity-table.ts';

describe('IdentityTable', () => {
  it('agrees with a Map under any sequence of upserts and deletes', () => {
    const step = fc.record({
      remove: fc.boolean(),
      id: fc.integer({ min: 0, max: 120 }),
      value: fc.integer({ min: 1, max: 2 ** 40 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.constantFrom(1, 2, 64), (steps, parts) => {
        const table = new IdentityTable(1, parts);
        const model = new Map<string, number>();
        for (const { remove, id, value } of steps) {
          const name = `id-${id}`;
          if (remove) expect(table.delete(name)).toBe(model.delete(name));
          else {
            table.setPayloadNumber(table.upsert(name), value);
            model.set(name, value);
          }
        }
        expect(table.size).toBe(model.size);
        for (const [name, value] of model) expect(table.payloadNumber(table.find(name))).toBe(value);
        expect([...table.slots()]).toHaveLength(model.size);
        expect(table.find('never')).toBe(-1);
      }),
    );
  });

  it('takes an id as text or as its UTF-8', () => {
    const table = new IdentityTable();
    table.setPayload(table.upsert('Käthe'), 2, 7);
    expect(table.payload(table.find(Buffer.from('Käthe')), 2)).toBe(7);
  });

  it('holds 300,000 entries in at most 45 bytes each, also right after growth', () => {
    const table = new IdentityTable();
    for (let i = 0; i < 300_000; i++) table.setPayloadNumber(table.upsert(String(i)), i);
    expect(table.byteLength / table.size).toBeLessThan(46);
    for (let i = 0; i < 300_000; i += 997) expect(table.payloadNumber(table.find(String(i)))).toBe(i);
  });
});
