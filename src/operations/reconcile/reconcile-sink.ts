import type { ShardDescriptor } from '../../record/types.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import type { VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import { keysOfShards, missingFolders, readShardColumns } from './shard-columns.ts';

/** A sink that has committed something. */
export interface SinkToReconcile {
  readonly name: string;
  readonly model: string;
  /** The embeddings topic that it reads. */
  readonly topic: string;
  /** The folder of its first shard. */
  readonly location: string;
  /** By partition and offset. */
  readonly shards: readonly ShardDescriptor[];
}

export interface SinkReconciliation {
  readonly sink: string;
  readonly model: string;
  readonly location: string;
  readonly shards: number;
  /** Live embeddings on the log that are in the output, in their latest version. */
  readonly live: number;
  readonly differences: Differences;
}

/** undefined: the sink has committed nothing. */
export async function sinkToReconcile(
  { log, codec, topics }: Pick<ReconcileContext, 'log' | 'codec' | 'topics'>,
  name: string,
): Promise<SinkToReconcile | undefined> {
  const catalog = new ShardCatalog(log, codec, topics.shards(name));
  await catalog.refresh();
  const shards = catalog.shards();
  const [first] = shards;
  return first && { name, model: first.model, topic: first.topic, location: first.location, shards };
}

/**
 * A file sink holds exactly the live embeddings: each file is the committed one, and each id is there as it is now.
 * `embeddings`: the versions in the topic that the sink reads.
 */
export async function reconcileSink(
  context: ReconcileContext,
  { name, model, topic, location, shards }: SinkToReconcile,
  embeddings: VersionColumns,
): Promise<SinkReconciliation> {
  const { log, ids, signal } = context;
  const differences = new Differences();
  const result = { sink: name, model, location, shards: shards.length, differences };
  const gone = await missingFolders(shards);
  for (const folder of gone) differences.add('folder-missing', folder);
  const there = shards.filter((shard) => !gone.includes(shard.location));
  // With nothing left to read, a line for each file and each id would only hide the one that matters.
  if (there.length === 0) return { ...result, live: 0 };
  const written = await readShardColumns(context, there, differences);
  const live = compare(ids.size, embeddings, written, differences);
  await nameDifferences(differences, ['sink-missing', 'sink-stale'], ids, () => keysOfTopic(log, topic, signal));
  await nameDifferences(differences, ['sink-twice', 'sink-orphan'], ids, () => keysOfShards(there));
  return { ...result, live };
}

/** Counts the live embeddings that are in the output as they are now, and notes the others. */
function compare(size: number, embeddings: VersionColumns, written: VersionColumns, differences: Differences): number {
  let live = 0;
  for (let index = 0; index < size; index++) {
    if (!embeddings.isLive(index)) {
      if (written.isLive(index)) differences.addNumbered('sink-orphan', index);
    } else if (!written.isLive(index)) differences.addNumbered('sink-missing', index);
    else if (written.hasVersionOf(index, embeddings)) live++;
    else differences.addNumbered('sink-stale', index);
  }
  return live;
}
