import type { GroupInfo, Log, TopicInfo } from '../log/port.ts';

export interface PartitionProgress {
  readonly partition: number;
  /** Next offset to read. */
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
}

/** How far a group is in a topic; one that has committed nothing is at the start. */
export function progressOf(group: GroupInfo | undefined, topic: TopicInfo | undefined): PartitionProgress[] {
  const committed = new Map(
    group?.committed.filter((each) => each.topic === topic?.name).map(({ partition, offset }) => [partition, offset]),
  );
  return (topic?.partitionInfo ?? []).map(({ partition, startOffset, endOffset }) => {
    const next = Math.max(committed.get(partition) ?? startOffset, startOffset);
    return { partition, committed: next, end: endOffset, lag: Math.max(0, endOffset - next) };
  });
}

export function totalLag(partitions: readonly PartitionProgress[]): number {
  return partitions.reduce((total, { lag }) => total + lag, 0);
}

/** Offsets of a topic that a group has not read yet. */
export async function lagOf(log: Log, group: string, topic: string): Promise<number> {
  return totalLag(await placesOf(log, group, topic));
}

/** How far a group is in each partition of a topic. */
export async function placesOf(log: Log, group: string, topic: string): Promise<readonly PartitionProgress[]> {
  const [groups, topics] = await Promise.all([log.groups(), log.topics()]);
  return progressOf(
    groups.find((each) => each.group === group),
    topics.find(({ name }) => name === topic),
  );
}
