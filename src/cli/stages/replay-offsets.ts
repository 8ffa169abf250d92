import { UsageError } from '../../errors.ts';
import type { TopicInfo } from '../../log/port.ts';
import { findModelOrImported } from '../../operations/model-on-log.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { ReplayFrom } from '../definitions/replay-from.ts';
import type { Workspace } from '../wiring.ts';

/**
 * Where a replay begins in the embeddings topic of each model, by partition; undefined: everywhere at the start.
 * Throws UsageError for offsets that the topic can't have, before anything is removed.
 */
export async function replayOffsets(
  { log, codec, topics }: Pick<Workspace, 'log' | 'codec' | 'topics'>,
  models: readonly string[],
  from: ReplayFrom,
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>> | undefined> {
  if (from.kind === 'earliest') return undefined;
  if (from.kind !== 'time' && models.length > 1)
    throw new UsageError('--from has offsets, which each model counts by itself: give one --model, or a time.');
  const present = await log.topics();
  const offsets = new Map<string, ReadonlyMap<number, number>>();
  for (const model of models) {
    const { name: modelName } = await findModelOrImported({ log, codec, topics }, model);
    const topic = present.find(({ name }) => name === topics.embeddings(modelName));
    if (topic === undefined) throw new UsageError(`Nothing on this log is embedded with ${modelName}.`);
    offsets.set(model, from.kind === 'time' ? await offsetsAt(log, topic, from.timestampMs) : offsetsIn(topic, from));
  }
  return offsets;
}

async function offsetsAt(
  log: Workspace['log'],
  { name }: TopicInfo,
  timestampMs: number,
): Promise<ReadonlyMap<number, number>> {
  const found = await log.offsetsAt(name, timestampMs);
  return new Map(found.map(({ partition, offset }) => [partition, offset]));
}

function offsetsIn(
  { name, partitions, partitionInfo }: TopicInfo,
  from: Exclude<ReplayFrom, { kind: 'earliest' | 'time' }>,
): ReadonlyMap<number, number> {
  if (from.kind === 'offset' && partitions > 1)
    throw new UsageError(
      `${name} has ${partitions} partitions, each with offsets of its own: write --from=0:${from.offset},1:…, or a time.`,
    );
  const offsets = from.kind === 'offset' ? new Map([[0, from.offset]]) : from.offsets;
  for (const [partition, offset] of offsets) {
    const info = partitionInfo[partition];
    if (info === undefined)
      throw new UsageError(`--from names partition ${partition}, but ${name} has ${partitions}, numbered from 0.`);
    if (offset >= info.endOffset)
      throw new UsageError(
        `--from=${partition}:${offset} is beyond the end of ${name}/${partition}, whose next offset is ` +
          `${formatCount(info.endOffset)}: there would be nothing to write again.`,
      );
  }
  return offsets;
}
