import { topicSpecOf } from '../../log/topics.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import { namespaceInUse } from './copy-topic.ts';
import { GroupStarts } from './group-starts.ts';
import { PartCopy, type PartCopyOptions } from './part-copy.ts';
import { offsetsIn, sourceTopics, type CopyRole, type SourceTopic } from './source-topics.ts';
import { groupsOf, inspectTarget, markDone, refuseMembers } from './target.ts';

/** Ids of one part: two tables of them take 1.5 GB at most. What has more is copied in parts, by target partitions. */
const MOST_IDS = 20_000_000;

export interface RepartitionOptions extends PartCopyOptions {
  /** Ids of one part. Default 20,000,000. */
  readonly mostIds?: number;
}

export interface CopiedTopic extends CopyRole {
  readonly from: string;
  readonly into: string;
  /** Records written to it by this run, deletions included. */
  readonly copied: number;
}

export interface RepartitionReport {
  /** False: it went on with what an earlier run had begun. */
  readonly isFresh: boolean;
  readonly topics: readonly CopiedTopic[];
}

/**
 * Copies a namespace into another one with so many partitions: the newest version of every record, embedding and ledger
 * entry, and all dead letters, each to the partition that its id has there. Nothing is embedded again, and what was not
 * embedded yet is, in the copy. Killed anywhere, the same call goes on. Rejects with NAMESPACE_IN_USE while somebody
 * works on either namespace.
 */
export async function repartition(options: RepartitionOptions): Promise<RepartitionReport> {
  const { source, target, partitions } = options;
  const topics = await sourceTopics(options);
  const groups = await groupsOf(source);
  refuseMembers(groups, source.namespace);
  const { isFresh, parts = partsFor(topics, options) } = await inspectTarget(target, source);
  await target.log.ensureTopics(topics.map(({ kind, into }) => topicSpecOf(kind, into, partitions)));
  const models = topics.filter(({ kind }) => kind === 'ledger').map(({ of }) => of);
  const starts = new GroupStarts(models, (model) => {
    const group = groups.find((each) => each.group === processorGroup(source.namespace, model));
    return group?.committed.filter(({ topic }) => topic === source.topics.records) ?? [];
  });
  const copied = new Map<string, number>();
  for (let part = 0; part < parts; part++) {
    const copy = new PartCopy(options, { part, parts, isFresh, starts });
    for (const [into, count] of await copy.run(topics)) copied.set(into, (copied.get(into) ?? 0) + count);
  }
  await refuseChanges(options, topics);
  for (const model of models)
    await target.log.resetGroup(processorGroup(target.namespace, model), await starts.offsets(model, target));
  await markDone(target);
  return {
    isFresh,
    topics: topics.map(({ kind, of, info, into }) => ({
      ...{ kind, of, from: info.name, into, copied: copied.get(into) ?? 0 },
    })),
  };
}

function partsFor(topics: readonly SourceTopic[], { partitions, mostIds = MOST_IDS }: RepartitionOptions): number {
  const most = Math.max(...topics.filter(({ kind }) => kind !== 'dead-letters').map(({ info }) => offsetsIn(info)));
  return Math.min(partitions, Math.max(1, Math.ceil(most / mostIds)));
}

async function refuseChanges({ source }: RepartitionOptions, topics: readonly SourceTopic[]): Promise<void> {
  const now = new Map((await source.log.topics()).map((info) => [info.name, info]));
  for (const { info } of topics)
    for (const { partition, endOffset } of info.partitionInfo)
      if (now.get(info.name)?.partitionInfo[partition]?.endOffset !== endOffset) throw namespaceInUse(info.name);
}
