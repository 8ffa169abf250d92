import { describe, expect, it } from 'vitest';
import { HEARTBEAT_MS, REBALANCE_MS, SESSION_MS, TestGroup, type TestMember } from './group-fixture.ts';
import { settled } from './manual-clock.ts';

/** Units of the latest assignment. */
function assigned(member: TestMember): readonly number[] {
  return member.assignments.at(-1)!.units;
}

describe('GroupMembership', () => {
  it('shares units out among one, two and four members, and never interrupts what stays', async () => {
    const group = new TestGroup(8);
    const a = group.join();
    await group.settle();
    expect(group.held).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
    const b = group.join();
    await group.settle();
    expect(group.held).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    group.join();
    group.join();
    await group.settle();
    expect(group.held.map((units) => units.length)).toEqual([2, 2, 2, 2]);
    expect(group.held.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(assigned(a)).toEqual([0, 1]);
    expect(assigned(b)).toEqual([4, 5]);
    // 0 and 1 were in every assignment of the first member, so its work on them was never to be ended.
    for (const { units, lost } of a.assignments) {
      expect(lost).toBe(false);
      expect(units).toEqual(expect.arrayContaining([0, 1]));
    }
  });

  it('gives a member that joins its work within three heartbeats of the others', async () => {
    const group = new TestGroup(2);
    group.join();
    await group.settle();
    const b = group.join();
    await group.clock.advance(3 * HEARTBEAT_MS);
    expect(b.held).toEqual([1]);
  });

  it('gives nothing to members beyond the number of units, and work when one leaves', async () => {
    const group = new TestGroup(2);
    const [a, b, c] = [group.join(), group.join(), group.join()];
    await group.settle();
    expect(group.held.map((units) => units.length).sort()).toEqual([0, 1, 1]);
    const leaver = [a, b, c].find((member) => member.held.length > 0)!;
    await leaver.membership.stop();
    await group.settle();
    const rest = [a, b, c].filter((member) => member !== leaver);
    expect(rest.flatMap(assigned).sort()).toEqual([0, 1]);
  });

  it('gives the units of a member that leaves to the others at once', async () => {
    const group = new TestGroup(4);
    const [a, b] = [group.join(), group.join()];
    await group.settle();
    await b.membership.stop();
    expect(b.requests.at(-1)).toBe('leave');
    await group.clock.advance(HEARTBEAT_MS);
    expect(a.held).toEqual([0, 1, 2, 3]);
  });

  it('gives a unit to another member only when its owner has released it, however long that takes', async () => {
    const group = new TestGroup(2);
    const releaseAfterMs = 3 * SESSION_MS;
    const slow = group.join({ releaseAfterMs });
    await group.settle();
    const b = group.join();
    await group.clock.advance(releaseAfterMs - HEARTBEAT_MS);
    expect(assigned(slow)).toEqual([0]);
    expect(slow.held).toEqual([0, 1]);
    expect(b.held).toEqual([]);
    expect(slow.isKnown).toBe(true);
    await group.clock.advance(3 * HEARTBEAT_MS);
    expect([slow.held, b.held]).toEqual([[0], [1]]);
  });

  it('does not get back a unit that it is still releasing', async () => {
    const group = new TestGroup(2);
    const slow = group.join({ releaseAfterMs: 30_000 });
    await group.settle();
    const b = group.join();
    await group.clock.advance(2 * HEARTBEAT_MS);
    await b.membership.stop();
    await group.clock.advance(2 * HEARTBEAT_MS);
    expect(assigned(slow)).toEqual([0]);
    await group.clock.advance(30_000);
    expect(slow.held).toEqual([0, 1]);
  });

  it('waits for all of its lost units before it joins again', async () => {
    const group = new TestGroup(4);
    const a = group.join({ releaseAfterMs: Number.MAX_SAFE_INTEGER });
    await group.settle();
    group.join();
    await group.settle();
    const { generation } = group.coordinator;
    a.membership.released([2]);
    await group.clock.advance(HEARTBEAT_MS);
    expect(group.coordinator.generation).toBe(generation);
    a.membership.released([3]);
    await settled();
    expect(group.coordinator.state).toBe('PreparingRebalance');
  });

  it('tells a frozen member that all is lost before it gets anything anew', async () => {
    const group = new TestGroup(4);
    const [a, b] = [group.join(), group.join()];
    await group.settle();
    b.freeze();
    await group.clock.advance(2 * SESSION_MS);
    expect(a.held).toEqual([0, 1, 2, 3]);
    expect(b.membership.isCurrent()).toBe(false);
    const before = b.assignments.length;
    const firstId = b.memberId;
    b.thaw();
    await group.settle();
    expect(b.assignments[before]).toEqual({ generation: -1, units: [], lost: true });
    expect(b.memberId).not.toBe(firstId);
    expect(group.held.map((units) => units.length)).toEqual([2, 2]);
    expect(b.membership.isCurrent()).toBe(true);
  });

  it('elects another leader when one dies before it has shared anything out', async () => {
    const group = new TestGroup(3);
    const leader = group.join();
    await group.settle();
    const [b, c] = [group.join(), group.join()];
    leader.freeze();
    await group.clock.advance(SESSION_MS + REBALANCE_MS);
    await group.settle();
    expect(group.coordinator.leaderId).not.toBe(leader.memberId);
    expect([...b.held, ...c.held].sort()).toEqual([0, 1, 2]);
    const second = group.coordinator.leaderId === b.memberId ? b : c;
    await second.membership.stop();
    await group.settle();
    expect(assigned(second === b ? c : b)).toEqual([0, 1, 2]);
  });

  it('does not begin with what it was assigned before it froze', async () => {
    const group = new TestGroup(2);
    const a = group.join();
    await group.settle();
    const b = group.join();
    const sync = group.coordinator.syncGroup.bind(group.coordinator);
    group.coordinator.syncGroup = async (request) => {
      const synced = await sync(request);
      // At its second assignment, the one with a unit.
      if (request.memberId === b.memberId && request.generationId === 3) b.freeze();
      return synced;
    };
    await group.clock.advance(3 * SESSION_MS);
    expect(a.held).toEqual([0, 1]);
    expect(b.assignments).toEqual([{ generation: 2, units: [], lost: false }]);
    b.thaw();
    await group.settle();
    expect(b.assignments.some(({ generation }) => generation === 3)).toBe(false);
    expect([a.held, b.held]).toEqual([[0], [1]]);
  });

  it('keeps its units through a lost connection', async () => {
    const group = new TestGroup(2);
    const a = group.join();
    await group.settle();
    const b = group.join();
    for (const member of [a, b]) member.answersToLose = 1;
    await group.clock.advance(SESSION_MS + 3 * REBALANCE_MS);
    expect(group.held).toEqual([[0], [1]]);
    expect(a.assignments.some(({ lost }) => lost)).toBe(false);
  });

  it('keeps its member id where the group has gone on without it, and claims nothing', async () => {
    const group = new TestGroup(1);
    const a = group.join();
    await group.settle();
    const { memberId } = a;
    group.coordinator.generation++;
    await group.settle();
    expect(a.memberId).toBe(memberId);
    expect(a.assignments.slice(-2)).toMatchObject([
      { units: [], lost: true },
      { units: [0], lost: false },
    ]);
    expect(group.coordinator.members.size).toBe(1);
  });
});
