import type { GroupInfo, Log, TopicInfo } from '../log/port.ts';

export interface PartitionStatus {
  readonly partition: number;
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
}

export interface GroupStatus {
  readonly group: string;
  readonly topic: string;
  readonly lag: number;
  readonly partitions: readonly PartitionStatus[];
  readonly owner?: string;
}

export interface TopicStatus {
  readonly topic: string;
  readonly partitions: number;
  readonly cleanup: string;
  /** Offsets in use; compaction and transactions leave gaps, so it is at least the number of records. */
  readonly records: number;
}

export interface Status {
  readonly topics: readonly TopicStatus[];
  readonly groups: readonly GroupStatus[];
  readonly deadLetters: number;
}

const OUR_NAMES = /^(?:records$|dead-letters$|(?:embeddings|ledger|shards|processor|sink)\.)/;

export async function readStatus(log: Log, namespace: string, deadLettersTopic: string): Promise<Status> {
  // A namespace may be the beginning of another one: museum, museum.eu.
  const isOurs = (name: string): boolean =>
    name.startsWith(`${namespace}.`) && OUR_NAMES.test(name.slice(namespace.length + 1));
  const topics = (await log.topics()).filter(({ name }) => isOurs(name));
  const groups = (await log.groups()).filter(({ group }) => isOurs(group));
  const statuses = topics.map(topicStatus);
  return {
    topics: statuses,
    groups: groups.flatMap((group) => groupStatus(group, topics)),
    deadLetters: statuses.find(({ topic }) => topic === deadLettersTopic)?.records ?? 0,
  };
}

function topicStatus({ name, partitions, cleanup, partitionInfo }: TopicInfo): TopicStatus {
  const records = partitionInfo.reduce((total, { startOffset, endOffset }) => total + endOffset - startOffset, 0);
  return { topic: name, partitions, cleanup, records };
}

/** One status an input topic of the group. */
function groupStatus(info: GroupInfo, topics: readonly TopicInfo[]): GroupStatus[] {
  const names = [...new Set(info.committed.map(({ topic }) => topic))];
  return names.map((name) => {
    const partitions = partitionStatuses(
      info,
      topics.find((topic) => topic.name === name),
    );
    return {
      group: info.group,
      topic: name,
      lag: totalLag(partitions),
      partitions,
      ...(info.members[0] !== undefined && { owner: info.members[0].name }),
    };
  });
}

/** How far a group is in a topic; one that has committed nothing is at the start. */
function partitionStatuses(group: GroupInfo | undefined, topic: TopicInfo | undefined): PartitionStatus[] {
  const committed = new Map(
    group?.committed.filter((each) => each.topic === topic?.name).map(({ partition, offset }) => [partition, offset]),
  );
  return (topic?.partitionInfo ?? []).map(({ partition, startOffset, endOffset }) => {
    const next = Math.max(committed.get(partition) ?? startOffset, startOffset);
    return { partition, committed: next, end: endOffset, lag: Math.max(0, endOffset - next) };
  });
}

function totalLag(partitions: readonly PartitionStatus[]): number {
  return partitions.reduce((total, { lag }) => total + lag, 0);
}

/** Offsets of a topic that a group has not read yet. */
export async function lagOf(log: Log, group: string, topic: string): Promise<number> {
  return totalLag(await placesOf(log, group, topic));
}

/** How far a group is in each partition of a topic. */
export async function placesOf(log: Log, group: string, topic: string): Promise<readonly PartitionStatus[]> {
  const [groups, topics] = await Promise.all([log.groups(), log.topics()]);
  return partitionStatuses(
    groups.find((each) => each.group === group),
    topics.find(({ name }) => name === topic),
  );
}
