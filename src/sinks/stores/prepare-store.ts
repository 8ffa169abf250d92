import { fatalError, UsageError } from '../../errors.ts';
import type { GroupInfo, Log, TopicInfo } from '../../log/port.ts';
import type { Store } from './port.ts';
import type { StoreTarget } from './store-target.ts';

export interface PrepareStoreOptions {
  readonly log: Log;
  readonly store: Store;
  readonly target: StoreTarget;
  /** The topics that the store reads; they are there. */
  readonly inputs: readonly string[];
  /** Of these, the one with the embeddings. */
  readonly embeddings: string;
  /** Fill it anew from the log's beginning, whatever it holds. */
  readonly rebuild?: boolean | undefined;
  /** Hand over again from these offsets on, by partition of the embeddings topic. */
  readonly from?: ReadonlyMap<number, number> | undefined;
}

/**
 * Makes a store ready, and its group begin where it has to: at the log's beginning when the store is new or to be
 * rebuilt, which is noted on the log until it is completed. Killed anywhere, the next call goes on.
 * Errors: a UsageError when the store was filled from another log; LOG_GROUP_OWNED when the sink runs elsewhere and would have to be set back; those of the store.
 */
export async function prepareStore(options: PrepareStoreOptions): Promise<void> {
  const { log, store, target, rebuild = false, from } = options;
  // Of a process that died before the store was emptied: what it holds may be on the log no more, not even as deleted.
  if (rebuild || target.isEmptying) {
    await refuseRunning(options);
    await setToBeginning(options);
    await target.note({ isBuilding: true, isEmptying: true });
    await store.prepare('rebuild');
    await target.noteEmptied();
    return;
  }
  const mode = target.isBuilding ? 'resume' : 'keep';
  const isEmpty = await store.prepare(mode);
  // Whoever fills it says so on the log before the first change is written.
  if (!isEmpty && store.rewind !== undefined && !(await target.isKnown())) throw foreignOffsets(target);
  if (isEmpty && (await hasCommitted(options))) {
    // A process beside this one may have begun to fill it a moment ago, and says so on the log.
    if (mode === 'keep' || !(await isRunning(options))) await setToBeginning(options);
  }
  await target.note({ isBuilding: isEmpty });
  if (from === undefined) return;
  await refuseRunning(options);
  await store.rewind?.(from);
  await log.resetGroup(target.names.group, await earlierOf(options, from));
}

/** Its offsets are of another log: going by them would leave out what this one has at the same places. */
function foreignOffsets({ names, location }: StoreTarget): UsageError {
  return new UsageError(
    `${location} was filled from another log than this one, and its offsets say nothing here. Write elsewhere, or let ` +
      `"sink" with --force fill it anew: then it holds what this log has, and nothing else. (Sink ${names.sinkName}.)`,
  );
}

/** Only what moves the group: the store itself may be behind it already. */
async function earlierOf(
  { log, target, embeddings }: PrepareStoreOptions,
  from: ReadonlyMap<number, number>,
): Promise<{ topic: string; partition: number; offset: number }[]> {
  const committed = await committedOf(log, target.names.group);
  return Array.from(from, ([partition, offset]) => {
    const present = committed.find((each) => each.topic === embeddings && each.partition === partition)?.offset ?? 0;
    return { topic: embeddings, partition, offset: Math.min(offset, present) };
  });
}

async function setToBeginning({ log, target, inputs }: PrepareStoreOptions): Promise<void> {
  const topics = (await log.topics()).filter(({ name }) => inputs.includes(name));
  const begins = ({ name, partitionInfo }: TopicInfo): { topic: string; partition: number; offset: number }[] =>
    partitionInfo.map(({ partition, startOffset }) => ({ topic: name, partition, offset: startOffset }));
  await log.resetGroup(target.names.group, topics.flatMap(begins));
}

async function hasCommitted({ log, target }: PrepareStoreOptions): Promise<boolean> {
  const committed = await committedOf(log, target.names.group);
  return committed.some(({ offset }) => offset > 0);
}

async function committedOf(log: Log, name: string): Promise<GroupInfo['committed']> {
  return (await log.groups()).find(({ group }) => group === name)?.committed ?? [];
}

async function isRunning({ log, target }: PrepareStoreOptions): Promise<boolean> {
  return (await log.groups()).some(({ group, members }) => group === target.names.group && members.length > 0);
}

async function refuseRunning(options: PrepareStoreOptions): Promise<void> {
  if (!(await isRunning(options))) return;
  throw fatalError(
    'LOG_GROUP_OWNED',
    `${options.target.names.sinkName} is running: stop it before it is set back, and nothing it holds is lost.`,
  );
}
