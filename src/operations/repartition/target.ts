import { fatalError, UsageError } from '../../errors.ts';
import type { GroupInfo, TopicInfo } from '../../log/port.ts';
import { countedTopics } from '../../log/partition-counts.ts';
import { topicSegment } from '../../log/topics.ts';
import type { Namespace } from './namespace.ts';

const GROUPS = /^(?:processor|sink|repartition)\./;
const PROGRESS = /^repartition\.(\d+)-of-(\d+)$/;
const DONE = 'repartition.done';

export interface TargetState {
  /** Nothing was copied yet. */
  readonly isFresh: boolean;
  /** Parts in which an unfinished copy was begun. */
  readonly parts?: number;
}

/** The group that keeps the progress of one part of a copy. Parts are counted from 0. */
export function progressGroup({ namespace }: Pick<Namespace, 'namespace'>, part: number, parts: number): string {
  return `${topicSegment(namespace)}.repartition.${part + 1}-of-${parts}`;
}

/** Rejects while another process, which shares the group, has not copied its share of the topic. */
export async function checkCopied({ log, namespace }: Namespace, group: string, topic: TopicInfo): Promise<void> {
  const committed = (await log.groups()).find((each) => each.group === group)?.committed ?? [];
  for (const { partition, startOffset, endOffset } of topic.partitionInfo) {
    const place = committed.find((each) => each.topic === topic.name && each.partition === partition);
    if (startOffset === endOffset || (place?.offset ?? 0) >= endOffset) continue;
    throw fatalError(
      'NAMESPACE_IN_USE',
      `Another process copies into "${namespace}", too: ${topic.name}/${partition} is not copied to its end. Let one of ` +
        'them finish, or stop both, and run one again.',
    );
  }
}

/** From now on the copy is a namespace like any other. */
export async function markDone({ log, namespace, topics }: Namespace): Promise<void> {
  const place = { topic: topics.records, partition: 0, offset: 0 };
  await log.resetGroup(`${topicSegment(namespace)}.${DONE}`, [place]);
}

/** Rejects unless the namespace is empty or an unfinished copy of this very source, at which nobody is at work. */
export async function inspectTarget(target: Namespace, source: Namespace): Promise<TargetState> {
  const groups = await groupsOf(target);
  const prefix = `${topicSegment(target.namespace)}.`;
  // A copy that was killed is a member until its session is over; one that is alive is met by `checkCopied`.
  refuseMembers(
    groups.filter(({ group }) => !PROGRESS.test(group.slice(prefix.length))),
    target.namespace,
  );
  if (groups.some(({ group }) => group === `${prefix}${DONE}`))
    throw new UsageError(
      `"${target.namespace}" is a finished copy, which may have been used since. Choose another --into.`,
    );
  const parts = groups.flatMap(({ group, committed }) => {
    const match = PROGRESS.exec(group.slice(prefix.length));
    return match === null ? [] : [{ parts: Number(match[2]), topics: committed.map(({ topic }) => topic) }];
  });
  const foreign = parts.flatMap(({ topics }) => topics).find((topic) => !isOf(topic, source.namespace));
  if (foreign !== undefined)
    throw new UsageError(`"${target.namespace}" is an unfinished copy of ${foreign}, not of "${source.namespace}".`);
  const [first] = parts;
  if (first !== undefined) return { isFresh: false, parts: first.parts };
  const written = countedTopics(await target.log.topics(), target.namespace).find(({ isWritten }) => isWritten);
  if (written !== undefined)
    throw new UsageError(
      `"${target.namespace}" is not empty: ${written.name} has records. Choose a namespace that there is not yet.`,
    );
  return { isFresh: true };
}

/** Groups of one namespace. */
export async function groupsOf({ log, namespace }: Namespace): Promise<GroupInfo[]> {
  const prefix = `${topicSegment(namespace)}.`;
  return (await log.groups()).filter(
    ({ group }) => group.startsWith(prefix) && GROUPS.test(group.slice(prefix.length)),
  );
}

export function refuseMembers(groups: readonly GroupInfo[], namespace: string): void {
  const running = groups.find(({ members }) => members.length > 0);
  if (running === undefined) return;
  const names = running.members.map(({ name }) => name).join(', ');
  throw fatalError(
    'NAMESPACE_IN_USE',
    `Group "${running.group}" is being run by ${names}. Stop everything on namespace "${namespace}" first.`,
  );
}

function isOf(topic: string, namespace: string): boolean {
  return topic.startsWith(`${topicSegment(namespace)}.`);
}
