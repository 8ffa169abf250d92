import { fatalError } from '../../errors.ts';
import { assignUnits } from './assigner.ts';
import type { JoinedMember } from './group-coordinator.ts';
import { decodeAssignment, decodeClaim, encodeAssignment } from './group-envelopes.ts';

/** What the leader sends each member, as SyncGroup takes it. */
export function planAssignments(
  members: readonly JoinedMember[],
  topics: readonly string[],
  units: number,
): { memberId: string; memberAssignment: Buffer }[] {
  const claims = members.map(({ memberId, memberMetadata }) => ({ memberId, ...decodeClaim(memberMetadata) }));
  return [...assignUnits(claims, units)].map(([memberId, own]) => ({
    memberId,
    memberAssignment: encodeAssignment(topics, own),
  }));
}

/**
 * The units in what the leader sent. Throws LOG_GROUP_REFUSED where they are of other topics: a leader that knows other
 * inputs would leave some of ours to nobody.
 */
export function unitsGiven(memberAssignment: Buffer, group: string, topics: readonly string[]): readonly number[] {
  const partitions = decodeAssignment(memberAssignment);
  const given = [...partitions.keys()];
  if (given.length > 0 && given.toSorted().join() !== topics.toSorted().join()) {
    throw fatalError(
      'LOG_GROUP_REFUSED',
      `Consumer group "${group}" is led by a member that reads ${given.join(', ')}; this one reads ${topics.join(', ')}. ` +
        'The members of a group must read the same topics: stop those of the other version or task first.',
    );
  }
  return [...partitions.values()][0] ?? [];
}
