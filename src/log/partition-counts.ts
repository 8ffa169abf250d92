import { fatalError, type PipelineError } from '../errors.ts';
import type { TopicInfo } from './port.ts';
import { topicRole } from './topics.ts';

/** A topic's partition count, and whether it ever had a record: while it had none, the count can be mended. */
export interface CountedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly isWritten: boolean;
}

/** The topics of one namespace. */
export function countedTopics(topics: readonly TopicInfo[], namespace: string): CountedTopic[] {
  return topics
    .filter(({ name }) => topicRole(namespace, name) !== undefined)
    .map(({ name, partitions, partitionInfo }) => ({
      name,
      partitions,
      isWritten: partitionInfo.some(({ endOffset }) => endOffset > 0),
    }));
}

/** What the topics' records say how many partitions there should be; more than one answer can't be mended in place. */
export function writtenCounts(topics: readonly CountedTopic[]): number[] {
  return [...new Set(topics.filter(({ isWritten }) => isWritten).map(({ partitions }) => partitions))].sort(
    (a, b) => a - b,
  );
}

/**
 * Partitions of a namespace's topics; undefined while there are none. Throws LOG_PARTITION_MISMATCH with the command
 * that mends it where they differ: what belongs to an id is looked for in one partition, by its number.
 */
export function commonPartitions(topics: readonly TopicInfo[], namespace: string): number | undefined {
  const ours = countedTopics(topics, namespace);
  const counts = new Set(ours.map(({ partitions }) => partitions));
  if (counts.size > 1) throw partitionsDiffer(ours, namespace);
  return ours[0]?.partitions;
}

function partitionsDiffer(topics: readonly CountedTopic[], namespace: string): PipelineError {
  const byCount = Map.groupBy(topics, ({ partitions }) => partitions);
  const found = Array.from(
    byCount,
    ([partitions, list]) => `${partitions} in ${list.map(({ name }) => name).join(', ')}`,
  );
  return fatalError(
    'LOG_PARTITION_MISMATCH',
    `The topics of namespace "${namespace}" differ in their number of partitions: ${found.join('; ')}. What belongs to an ` +
      `id would not be found beside its record. ${mendingOf(writtenCounts(topics), byCount, namespace)}`,
  );
}

function mendingOf(written: readonly number[], byCount: ReadonlyMap<number, unknown>, namespace: string): string {
  const flag = `--namespace=${namespace}`;
  if (written.length <= 1)
    return `Those that differ have no records yet; make them anew: embedstream topics apply ${flag}`;
  const most = Math.max(...byCount.keys());
  return (
    `Stop everything on this namespace, then copy it into one with ${most} partitions, which embeds nothing again: ` +
    `embedstream topics repartition ${flag} --partitions=${most} --into=NAMESPACE`
  );
}
