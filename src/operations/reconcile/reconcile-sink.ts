import type { ShardDescriptor } from '../../record/types.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import type { VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import { RewritePlan } from './rewrite-plan.ts';
import { keysOfShards, readShardColumns, ShardPlaces } from './shard-columns.ts';

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
  /** Left out: the output is no files. */
  readonly shards?: number;
  /** Live embeddings on the log that are in the output, in their latest version. */
  readonly live: number;
  /** Live embeddings that the output has refused, each with a dead letter; there for outputs that can. */
  readonly deadLettered?: number;
  /**
   * For files that differ: what to write again, by partition of the topic from this offset on. A partition that is not
   * named is as it should be.
   */
  readonly rewriteFrom?: ReadonlyMap<number, number>;
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
  sink: SinkToReconcile,
  embeddings: VersionColumns,
): Promise<SinkReconciliation> {
  const places = new ShardPlaces(context);
  try {
    return await reconcileShards(context, places, sink, embeddings);
  } finally {
    await places.close();
  }
}

async function reconcileShards(
  context: ReconcileContext,
  places: ShardPlaces,
  { name, model, topic, location, shards }: SinkToReconcile,
  embeddings: VersionColumns,
): Promise<SinkReconciliation> {
  const { log, ids, signal } = context;
  const differences = new Differences();
  const plan = new RewritePlan();
  const result = { sink: name, model, location, shards: shards.length, differences, rewriteFrom: plan.from };
  const gone = await places.missing(shards);
  for (const folder of gone) differences.add('folder-missing', folder);
  for (const shard of shards) if (gone.includes(shard.location)) plan.shard(shard);
  const there = shards.filter((shard) => !gone.includes(shard.location));
  // With nothing left to read, a line for each file and each id would only hide the one that matters.
  if (there.length === 0) return { ...result, live: 0 };
  const written = await readShardColumns(context, places, there, differences, plan);
  const live = compare(ids.size, embeddings, written, differences, plan);
  await nameDifferences(differences, ['sink-missing', 'sink-stale'], ids, () => keysOfTopic(log, topic, signal));
  await nameDifferences(differences, ['sink-twice', 'sink-orphan'], ids, () => keysOfShards(places, there));
  return { ...result, live };
}

/** Counts the live embeddings that are in the output as they are now, and notes the others. */
function compare(
  size: number,
  embeddings: VersionColumns,
  written: VersionColumns,
  differences: Differences,
  plan: RewritePlan,
): number {
  let live = 0;
  for (let index = 0; index < size; index++) {
    const kind = differenceOf(index, embeddings, written);
    if (kind === undefined) {
      if (embeddings.isLive(index)) live++;
      continue;
    }
    differences.addNumbered(kind, index);
    plan.id(index, embeddings, written);
  }
  return live;
}

function differenceOf(
  index: number,
  embeddings: VersionColumns,
  written: VersionColumns,
): 'sink-orphan' | 'sink-missing' | 'sink-stale' | undefined {
  if (!embeddings.isLive(index)) return written.isLive(index) ? 'sink-orphan' : undefined;
  if (!written.isLive(index)) return 'sink-missing';
  return written.hasVersionOf(index, embeddings) ? undefined : 'sink-stale';
}
