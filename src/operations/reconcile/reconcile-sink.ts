import { join } from 'node:path';
import { failureOutcome } from '../../errors.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import { readShardKeys } from '../../sinks/readers/read-parquet.ts';
import { idFileOf, readShardDeletions, verifyShardFile } from '../../sinks/readers/verify-shard.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { findTopic, readPartitionOf } from '../topic-reading.ts';
import { Differences } from './differences.ts';
import { Latest } from './latest.ts';
import { latestOf, type ReconcileContext } from './reconcile-model.ts';

export interface SinkReconciliation {
  readonly sink: string;
  readonly model: string;
  readonly location: string;
  readonly shards: number;
  /** Live embeddings on the log that are in the output, in their latest version. */
  readonly live: number;
  readonly differences: Differences;
}

/** A file sink holds exactly the live embeddings: each file is the committed one, and each id is there as it is now. */
export async function reconcileSink(context: ReconcileContext, sink: string): Promise<SinkReconciliation | undefined> {
  const catalog = new ShardCatalog(context.log, context.codec, context.topics.shards(sink));
  await catalog.refresh();
  const shards = catalog.shards();
  const [first] = shards;
  if (first === undefined) return undefined;
  const differences = new Differences();
  const written = new Latest();
  for (const shard of shards) await readShard(shard, written, differences);
  const embeddings = await latestOf(context.log, first.topic, context.signal);
  const live = await compare(context, first.topic, embeddings, written, differences);
  if (written.countLive() > live) await reportOrphans(shards, embeddings, written, differences);
  return { sink, model: first.model, location: first.location, shards: shards.length, live, differences };
}

async function readShard(shard: ShardDescriptor, written: Latest, differences: Differences): Promise<void> {
  for (const file of shard.files) {
    const fault = await verifyShardFile(shard.location, file);
    if (fault !== undefined) differences.add(fault === 'missing' ? 'shard-missing' : 'shard-damaged', file.name);
  }
  for await (const { id, offset, isDeletion } of keysOf(shard)) {
    const isNew = written.setNewer(id, shard.partition, offset, !isDeletion);
    if (!isNew && !isDeletion) differences.add('sink-twice', id);
  }
}

/** What can be read of a shard; a file that can't be was reported by its checksum. */
async function* keysOf(
  shard: ShardDescriptor,
): AsyncGenerator<{ readonly id: string; readonly offset: number; readonly isDeletion: boolean }> {
  const idFile = idFileOf(shard);
  try {
    if (idFile !== undefined)
      for await (const keys of readShardKeys(join(shard.location, idFile)))
        for (const key of keys) yield { ...key, isDeletion: false };
    for (const deletion of await readShardDeletions(shard.location, shard)) yield { ...deletion, isDeletion: true };
  } catch (error) {
    // A damaged or missing file is among the differences by its checksum, and its ids will be missing.
    if (failureOutcome(error) === 'retry') throw error;
  }
}

/** Counts the live embeddings that are in the output as they are now, and reports the others. */
async function compare(
  { log, signal }: ReconcileContext,
  topicName: string,
  embeddings: Latest,
  written: Latest,
  differences: Differences,
): Promise<number> {
  let live = 0;
  const topic = await findTopic(log, topicName);
  for (const info of topic?.partitionInfo ?? [])
    for await (const records of readPartitionOf(log, topicName, info, signal))
      for (const { key, offset } of records) {
        if (key === null || !embeddings.isLatest(key, info.partition, offset)) continue;
        if (written.isLatest(key, info.partition, offset)) live++;
        else differences.add(written.isLive(key) ? 'sink-stale' : 'sink-missing', key);
      }
  return live;
}

/** What the output still holds of ids that are no longer live. */
async function reportOrphans(
  shards: readonly ShardDescriptor[],
  embeddings: Latest,
  written: Latest,
  differences: Differences,
): Promise<void> {
  for (const shard of shards)
    for await (const { id, offset } of keysOf(shard))
      if (!embeddings.isLive(id) && written.isLatest(id, shard.partition, offset) && written.mark(id))
        differences.add('sink-orphan', id);
}
