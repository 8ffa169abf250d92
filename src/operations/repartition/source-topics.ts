import { UsageError } from '../../errors.ts';
import type { TopicInfo } from '../../log/port.ts';
import { topicRole, topicSegment, type TopicKind } from '../../log/topics.ts';
import type { Namespace } from './namespace.ts';

export interface CopyRole {
  readonly kind: Exclude<TopicKind, 'shards'>;
  /** The model or source. */
  readonly of: string;
}

/** A topic to copy, as it is when the copy begins. */
export interface SourceTopic extends CopyRole {
  readonly info: TopicInfo;
  /** Name of its copy. */
  readonly into: string;
}

/** Offsets in use: at least the records. */
export function offsetsIn({ partitionInfo }: Pick<TopicInfo, 'partitionInfo'>): number {
  return partitionInfo.reduce((total, { startOffset, endOffset }) => total + endOffset - startOffset, 0);
}

/** The records first: what belongs to them follows from where they go. */
export async function sourceTopics({
  source,
  target,
}: {
  readonly source: Namespace;
  readonly target: Namespace;
}): Promise<SourceTopic[]> {
  if (source.namespace === target.namespace)
    throw new UsageError(`--into names the namespace that is copied, "${source.namespace}": choose another one.`);
  const all = (await source.log.topics()).flatMap((info): SourceTopic[] => {
    const role = topicRole(source.namespace, info.name);
    // Shards are of files that have their names from the old offsets.
    if (role === undefined || role.kind === 'shards') return [];
    const { kind, of } = role;
    const into = `${topicSegment(target.namespace)}${info.name.slice(topicSegment(source.namespace).length)}`;
    return [{ kind, of, info, into }];
  });
  const records = all.filter(({ kind }) => kind === 'records');
  if (records.length === 0)
    throw new UsageError(`There is nothing to copy: namespace "${source.namespace}" has no records topic.`);
  return [...records, ...all.filter(({ kind }) => kind !== 'records')];
}
