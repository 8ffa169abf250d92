import { fileSinkNames, type FileSinkOptions } from './file-sink.ts';
import { openShardStore } from './open-shard-store.ts';
import { ShardCatalog } from './shard-catalog.ts';
import { fatalError } from '../errors.ts';
import type { OutputRecord } from '../log/port.ts';
import type { ShardDescriptor } from '../record/types.ts';

export type DiscardOptions = Pick<
  FileSinkOptions,
  'format' | 'dtype' | 'log' | 'codec' | 'topics' | 'model' | 'out' | 'sinkName' | 'environment'
> & {
  /**
   * By partition of the embeddings topic: only shards that reach this offset or a later one; none of a partition that
   * is not named. Left out: all.
   */
  readonly from?: ReadonlyMap<number, number>;
};

/**
 * Prepares `replay`: removes a sink's shards and their descriptors and sets its group back to where they began, so
 * that the next run writes them again. Safe to repeat after a crash: the files go first, the group's offsets last.
 * Errors: LOG_GROUP_OWNED while the sink runs.
 */
export async function discardShards(options: DiscardOptions): Promise<readonly ShardDescriptor[]> {
  const { log, codec } = options;
  const isDiscarded = ({ partition, lastOffset }: Pick<ShardDescriptor, 'partition' | 'lastOffset'>): boolean =>
    options.from === undefined || lastOffset >= (options.from.get(partition) ?? Infinity);
  const names = fileSinkNames(options);
  const [owner] = (await log.groups()).find(({ group }) => group === names.group)?.members ?? [];
  if (owner !== undefined) {
    throw fatalError(
      'LOG_GROUP_OWNED',
      `${names.sinkName} is running (${owner.name}): stop it before its shards are discarded.`,
    );
  }
  const topics = await log.topics();
  const input = topics.find(({ name }) => name === names.input);
  if (input === undefined || !topics.some(({ name }) => name === names.shardsTopic)) return [];
  const catalog = new ShardCatalog(log, codec, names.shardsTopic);
  await catalog.refresh();
  const discarded = catalog.shards().filter(isDiscarded);
  const store = openShardStore(names.folder, names.sinkName, options.environment);
  await store.remove(discarded.flatMap((shard) => shard.files)).finally(() => store.close());
  await forget(options, names.shardsTopic, discarded);
  const offsets = input.partitionInfo.map(({ partition, startOffset }) => {
    const own = catalog.shards({ topic: names.input, partition });
    const kept = own.filter((shard) => !isDiscarded(shard));
    const offset = Math.max(startOffset, ...kept.map((shard) => shard.lastOffset + 1));
    return { topic: names.input, partition, offset };
  });
  await log.resetGroup(names.group, offsets);
  return discarded;
}

async function forget({ log }: DiscardOptions, topic: string, shards: readonly ShardDescriptor[]): Promise<void> {
  if (shards.length === 0) return;
  const producer = await log.producer(`discard-${topic}`);
  try {
    const deletions = shards.map(({ name, partition }): OutputRecord => {
      return { topic, partition, key: Buffer.from(name), value: null };
    });
    await producer.append(deletions);
  } finally {
    await producer.close();
  }
}
