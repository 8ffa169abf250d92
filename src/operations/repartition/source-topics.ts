import { UsageError } from '../../errors.ts';
import type { TopicInfo } from '../../log/port.ts';
import { topicRole, type TopicKind } from '../../log/topics.ts';
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
    return [{ kind, of, info, into: nameIn(target, { kind, of }) }];
  });
  const records = all.filter(({ kind }) => kind === 'records');
  if (records.length === 0)
    throw new UsageError(`There is nothing to copy: namespace "${source.namespace}" has no records topic.`);
  return [...records, ...all.filter(({ kind }) => kind !== 'records')];
}

function nameIn({ topics }: Namespace, { kind, of }: CopyRole): string {
  switch (kind) {
    case 'records':
      return topics.records;
    case 'dead-letters':
      return topics.deadLetters;
    case 'embeddings':
      return topics.embeddings(of);
    case 'ledger':
      return topics.ledger(of);
    case 'source-ledger':
      return topics.sourceLedger(of);
    case 'import-ledger':
      return topics.importLedger(of);
  }
}
