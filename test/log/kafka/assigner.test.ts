import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignUnits, type MemberClaim } from '../../../src/log/kafka/assigner.ts';

function member(memberId: string, owned: readonly number[] = [], claim: Partial<MemberClaim> = {}): MemberClaim {
  return { memberId, owned, releasing: [], generation: owned.length === 0 ? -1 : 1, ...claim };
}

function assign(units: number, ...claims: MemberClaim[]): Record<string, readonly number[]> {
  return Object.fromEntries(assignUnits(claims, units));
}

/** What members claim in the next generation when all that was taken from them is given up. */
function afterRelease(assignment: ReadonlyMap<string, readonly number[]>): MemberClaim[] {
  return [...assignment].map(([memberId, owned]) => ({ memberId, owned, releasing: [], generation: 1_000 }));
}

describe('assignUnits', () => {
  it('gives everything to a single member', () => {
    expect(assign(3, member('a'))).toEqual({ a: [0, 1, 2] });
  });

  it('takes from an owner first, and gives to a newcomer only when it was given up', () => {
    expect(assign(4, member('a', [0, 1, 2, 3]), member('b'))).toEqual({ a: [0, 1], b: [] });
    expect(assign(4, member('a', [0, 1]), member('b'))).toEqual({ a: [0, 1], b: [2, 3] });
  });

  it('gives what is free at once to those that have least', () => {
    expect(assign(6, member('a', [0, 1, 2, 3]), member('b'), member('c'))).toEqual({ a: [0, 1], b: [4], c: [5] });
  });

  it('gives a unit that is being released to nobody, not even to who had it', () => {
    expect(assign(2, member('a', [0], { releasing: [1] }))).toEqual({ a: [0] });
  });

  it('moves nothing when a member comes that gets nothing', () => {
    expect(assign(2, member('b', [1]), member('a', [0]), member('0'))).toEqual({ a: [0], b: [1], '0': [] });
  });

  it('lets the higher generation of two claims win', () => {
    expect(assign(2, member('a', [0, 1], { generation: 4 }), member('b', [1], { generation: 5 }))).toEqual({
      a: [0],
      b: [1],
    });
  });

  it('lets nobody keep what two members claim in the same generation', () => {
    expect(assign(3, member('a', [0, 1]), member('b', [1, 2]))).toEqual({ a: [0], b: [2] });
  });

  it('ignores claims of units that are not there', () => {
    expect(assign(2, member('a', [0, 7]), member('b', [9]))).toEqual({ a: [0], b: [1] });
  });

  /** Claims as no run of the protocol would bring them together, too. */
  const anyClaims = fc
    .record({ units: fc.integer({ min: 1, max: 12 }), members: fc.integer({ min: 1, max: 8 }) })
    .chain(({ units, members }) =>
      fc.record({
        units: fc.constant(units),
        claims: fc.tuple(
          ...Array.from({ length: members }, (_, index) =>
            fc.record({
              memberId: fc.constant(`member-${String(index)}`),
              owned: fc.uniqueArray(fc.integer({ min: 0, max: units + 1 }), { maxLength: units }),
              releasing: fc.uniqueArray(fc.integer({ min: 0, max: units + 1 }), { maxLength: 2 }),
              generation: fc.integer({ min: -1, max: 3 }),
            }),
          ),
        ),
      }),
    );

  it('gives every unit to one member, or withholds it while a living member claims it', () => {
    fc.assert(
      fc.property(anyClaims, ({ units, claims }) => {
        const assignment = assignUnits(claims, units);
        const given = [...assignment.values()].flat();
        expect([...assignment.keys()].sort()).toEqual(claims.map(({ memberId }) => memberId).sort());
        expect(new Set(given).size).toBe(given.length);
        for (let unit = 0; unit < units; unit++) {
          if (given.includes(unit)) continue;
          expect(claims.some(({ owned, releasing }) => owned.includes(unit) || releasing.includes(unit))).toBe(true);
        }
      }),
    );
  });

  it('gives nobody a unit that another living member claims, unless by a lower generation', () => {
    fc.assert(
      fc.property(anyClaims, ({ units, claims }) => {
        for (const [memberId, given] of assignUnits(claims, units)) {
          const own = claims.find((claim) => claim.memberId === memberId)!;
          for (const unit of given) {
            for (const other of claims) {
              if (other === own || !(other.owned.includes(unit) || other.releasing.includes(unit))) continue;
              expect(own.owned.includes(unit) && own.generation > other.generation).toBe(true);
            }
          }
        }
      }),
    );
  });

  it('is complete and balanced once the losers have given up what was taken from them', () => {
    fc.assert(
      fc.property(anyClaims, ({ units, claims }) => {
        const final = assignUnits(afterRelease(assignUnits(claims, units)), units);
        const sizes = [...final.values()].map((own) => own.length);
        expect([...final.values()].flat().sort((a, b) => a - b)).toEqual(
          Array.from({ length: units }, (_, unit) => unit),
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('takes from a member only what is above its share, and nothing once balanced', () => {
    fc.assert(
      fc.property(anyClaims, ({ units, claims }) => {
        const settled = assignUnits(afterRelease(assignUnits(claims, units)), units);
        expect(assignUnits(afterRelease(settled), units)).toEqual(settled);
        // One member more: nobody gets anything that another one had, and nobody has less than the smaller share.
        const grown = assignUnits([...afterRelease(settled), member('new')], units);
        for (const [memberId, before] of settled) {
          const after = grown.get(memberId)!;
          expect(before).toEqual(expect.arrayContaining([...after]));
          expect(after.length).toBeGreaterThanOrEqual(Math.min(before.length, Math.floor(units / grown.size)));
        }
        const moved = units - [...grown.values()].flat().length;
        expect(moved).toBe(Math.floor(units / grown.size));
      }),
    );
  });

  it('does not depend on the order of the claims', () => {
    fc.assert(
      fc.property(anyClaims, ({ units, claims }) => {
        expect(assignUnits(claims.toReversed(), units)).toEqual(assignUnits(claims, units));
      }),
    );
  });
});
