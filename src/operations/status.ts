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
    const committed = new Map(
      info.committed.filter(({ topic }) => topic === name).map(({ partition, offset }) => [partition, offset]),
    );
    const ends = topics.find((topic) => topic.name === name)?.partitionInfo ?? [];
    const partitions = ends.map(({ partition, startOffset, endOffset }): PartitionStatus => {
      const next = Math.max(committed.get(partition) ?? startOffset, startOffset);
      return { partition, committed: next, end: endOffset, lag: Math.max(0, endOffset - next) };
    });
    return {
      group: info.group,
      topic: name,
      lag: partitions.reduce((total, { lag }) => total + lag, 0),
      partitions,
      ...(info.owner !== undefined && { owner: info.owner }),
    };
  });
}
