import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REBALANCE_MS, SESSION_MS, TestGroup, type TestMember } from './group-fixture.ts';

type Event =
  | { readonly kind: 'join'; readonly releaseAfterMs: number }
  | { readonly kind: 'stop' | 'freeze' | 'thaw' | 'loseAnswer'; readonly member: number };

const member = fc.nat({ max: 6 });
const event = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), releaseAfterMs: fc.constantFrom(0, 700, 5_000, 25_000) }),
  fc.record({
    kind: fc.constantFrom('stop' as const, 'freeze' as const, 'thaw' as const, 'loseAnswer' as const),
    member,
  }),
);
/** What happens, and how long nothing else does then. */
const story = fc.array(fc.record({ event, thenMs: fc.constantFrom(0, 1, 400, 3_000, 9_000, 30_000) }), {
  minLength: 3,
  maxLength: 25,
});

function apply(group: TestGroup, stopped: Set<TestMember>, event: Event): void {
  if (event.kind === 'join') {
    if (group.members.length < 7) group.join(event);
    return;
  }
  const target = group.members[event.member];
  if (target === undefined || stopped.has(target)) return;
  switch (event.kind) {
    case 'stop':
      stopped.add(target);
      void target.membership.stop();
      break;
    case 'freeze':
      target.freeze();
      break;
    case 'thaw':
      target.thaw();
      break;
    case 'loseAnswer':
      target.answersToLose++;
      break;
  }
}

/** No unit in the hands of two members that the coordinator knows, and none assigned twice in one generation. */
function checkOwners(group: TestGroup, stopped: ReadonlySet<TestMember>): void {
  const held = group.members.filter((each) => each.isKnown && !stopped.has(each)).flatMap((each) => each.held);
  expect(new Set(held).size).toBe(held.length);
  const assigned = group.members.flatMap(({ assignments }) =>
    assignments.flatMap(({ generation, units }) => units.map((unit) => `${String(generation)}/${String(unit)}`)),
  );
  expect(new Set(assigned).size).toBe(assigned.length);
}

it('gives no unit to two members, whatever happens, and ends complete and balanced', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), story, async (units, steps) => {
      const group = new TestGroup(units);
      const stopped = new Set<TestMember>();
      group.join();
      for (const { event, thenMs } of steps) {
        apply(group, stopped, event);
        for (let left = thenMs; left >= 0; left -= 500) {
          await group.clock.advance(Math.min(500, left));
          checkOwners(group, stopped);
        }
      }
      for (const each of group.members) each.thaw();
      await group.clock.advance(4 * (SESSION_MS + REBALANCE_MS) + 50_000);
      checkOwners(group, stopped);

      const living = group.members.filter((each) => !stopped.has(each));
      expect(living.flatMap(({ errors }) => errors)).toEqual([]);
      const { generation } = group.coordinator;
      await group.clock.advance(60_000);
      expect(group.coordinator.generation).toBe(generation);
      expect(group.coordinator.members.size).toBe(living.length);
      if (living.length === 0) return;
      const held = living.map((each) => each.held);
      expect(held).toEqual(living.map((each) => each.assignments.at(-1)?.units));
      expect(held.flat().sort()).toEqual(Array.from({ length: units }, (_, unit) => unit));
      const sizes = held.map((own) => own.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});
