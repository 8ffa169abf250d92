import { describe, expect, it } from 'vitest';
import { GroupReadiness } from '../../../src/operations/observed/group-readiness.ts';
import { Readiness } from '../../../src/telemetry/readiness.ts';

function start(): { readiness: Readiness; groups: GroupReadiness; begun: () => number } {
  const readiness = new Readiness();
  let begun = 0;
  const groups = new GroupReadiness(readiness, () => begun++);
  return { readiness, groups, begun: () => begun };
}

describe('GroupReadiness', () => {
  it('is ready once every partition that was assigned is open', () => {
    const { readiness, groups, begun } = start();
    groups.begin('g');
    expect(begun()).toBe(1);
    expect(readiness.reasons).toEqual(['g waits for its partitions, or restores their state']);
    groups.assigned('g', 2);
    groups.opened('g', 1);
    expect(readiness.reasons).toHaveLength(1);
    groups.opened('g', 1);
    expect(readiness.reasons).toEqual([]);
  });

  it('is ready as a member that has no partition', () => {
    const { readiness, groups } = start();
    groups.begin('g');
    groups.assigned('g', 0);
    expect(readiness.reasons).toEqual([]);
  });

  it('stays ready when partitions come and go later', () => {
    const { readiness, groups } = start();
    groups.begin('g');
    groups.assigned('g', 1);
    groups.opened('g', 1);
    groups.assigned('g', 3);
    groups.opened('g', -1);
    expect(readiness.reasons).toEqual([]);
  });

  it('waits for each of several groups, but for none that has ended', () => {
    const { readiness, groups } = start();
    groups.begin('a');
    groups.begin('b');
    groups.assigned('a', 1);
    groups.opened('a', 1);
    expect(readiness.reasons).toHaveLength(1);
    groups.end('b');
    expect(readiness.reasons).toEqual([]);
  });
});
