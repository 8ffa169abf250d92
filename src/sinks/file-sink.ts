import type { RefusedCounts } from './dead-letters.ts';
import { batchNames } from './batch-names.ts';
import { APPEND_LOG } from './manifest.ts';
import type { ShardFormat } from './port.ts';
import { ProgressFile } from './progress-file.ts';
import { openShardStore, shardLocation } from './open-shard-store.ts';
import { ShardCatalog } from './shard-catalog.ts';
import type { Compression, ShardFormatName, VectorDtype } from './shard-encoder.ts';
import { ManifestKeeper, ShardPartition } from './shard-task.ts';
import { createShardFormat } from './worker-format.ts';
import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import type { Log, PartitionContext, PartitionTask, Task } from '../log/port.ts';
import { compressedTopic, deadLetterTopic, topicSegment, type TopicNames } from '../log/topics.ts';
import type { OnDeadLetter } from '../record/dead-letter.ts';
import type { ShardDescriptor } from '../record/types.ts';

export const DEFAULT_SHARD_ROWS = 50_000;
/** As people have always named it. */
export const JSONL_FOLDER = 'embeddings';
const RECORDS_SUFFIX = '.records';

export interface FileSinkOptions {
  readonly format: ShardFormatName;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly model: string;
  readonly dimension: number;
  /** The folder, or `s3://bucket/prefix`, above `<format>/<model>/`; JSONL's is `embeddings/<model>/`. */
  readonly out: string;
  /** How buckets are reached. Default: nothing is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default `<format>-<model>`. */
  readonly sinkName?: string;
  readonly shardRows?: number;
  readonly dtype?: VectorDtype;
  /** Of JSONL. Default none. */
  readonly compression?: Compression;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly onDeadLetter?: OnDeadLetter;
  /** For tests; left out: the format's own, in a worker thread. Closed with the sink. */
  readonly shardFormat?: ShardFormat;
}

/** What was published since the sink was made, for a report. */
export interface FileSinkStats extends Readonly<RefusedCounts> {
  readonly folder: string;
  readonly rows: number;
  readonly deletions: number;
  readonly shards: number;
  readonly bytes: number;
}

export interface FileSink extends Task {
  readonly sinkName: string;
  /** `<out>/<format>/<model>`. */
  readonly folder: string;
  stats(): FileSinkStats;
  close(): Promise<void>;
}

/** Names that follow from a file sink's options. */
export interface FileSinkNames {
  readonly sinkName: string;
  readonly group: string;
  readonly input: string;
  readonly shardsTopic: string;
  readonly formatName: string;
  /** `<out>/<format>/<model>`: absolute, or `s3://…`. */
  readonly folder: string;
}

export function fileSinkNames(
  options: Pick<FileSinkOptions, 'format' | 'dtype' | 'model' | 'out' | 'sinkName' | 'topics'>,
): FileSinkNames {
  const half = options.format === 'npy' && options.dtype === 'fp16';
  const formatName = half ? 'npy-fp16' : options.format;
  const folderName = formatName === 'jsonl' ? JSONL_FOLDER : formatName;
  const sinkName = topicSegment(options.sinkName ?? `${formatName}-${options.model}`);
  const namespace = options.topics.records.slice(0, -RECORDS_SUFFIX.length);
  return {
    sinkName,
    formatName,
    folder: shardLocation(options.out, folderName, options.model),
    group: `${namespace}.sink.${sinkName}`,
    input: options.topics.embeddings(options.model),
    shardsTopic: options.topics.shards(sinkName),
  };
}

/**
 * The task of a file sink: embeddings of one model to shards in `<out>/<format>/<model>/`.
 * Errors: FILE_SINK_DISK_FULL, FILE_SINK_NO_PERMISSION, FILE_SINK_IO, FILE_SINK_OBSTRUCTED, FILE_SINK_SHARD_MISSING,
 * FILE_SINK_DIMENSION, FILE_SINK_STAGING_LOST, FILE_SINK_PARQUET, FILE_SINK_WORKER, FILE_SINK_CLOSED, OBJECT_STORE_….
 */
export function createFileSink(options: FileSinkOptions): FileSink {
  const { log, codec, model, dimension, dtype = 'fp32', shardRows = DEFAULT_SHARD_ROWS } = options;
  if (options.format === 'parquet' && dtype === 'fp16') throw new UsageError('Parquet keeps float32; fp16 is for npy.');
  const clock = options.clock ?? Date.now;
  const names = fileSinkNames(options);
  const { sinkName, shardsTopic, input } = names;
  const format = options.shardFormat ?? createShardFormat(options);
  const store = openShardStore(names.folder, sinkName, options.environment);
  const catalog = new ShardCatalog(log, codec, shardsTopic);
  const { deadLetters } = options.topics;
  const hasBatches = options.format === 'jsonl';
  const progress = { store, log, deadLetters, group: names.group, clock };
  const manifest = new ManifestKeeper(
    catalog,
    store,
    {
      ...{ format: names.formatName, sink: sinkName, model, dimension },
      howToRead: format.howToRead.replaceAll('{folder}', '.'),
      semantics: APPEND_LOG,
    },
    hasBatches ? new ProgressFile(progress) : undefined,
  );
  const totals = { rows: 0, deletions: 0, shards: 0, bytes: 0 };
  const refused: RefusedCounts = { deadLettered: 0, deadLettersByReason: {} };

  async function onPublished(shards: readonly ShardDescriptor[]): Promise<void> {
    for (const shard of shards) {
      totals.rows += shard.rows;
      totals.deletions += shard.deletions;
      totals.shards += 1;
      totals.bytes += shard.files.reduce((sum, file) => sum + file.bytes, 0);
    }
    await manifest.update();
  }

  let prepared: Promise<void> | undefined;
  async function prepare(): Promise<void> {
    const info = (await log.topics()).find((topic) => topic.name === input);
    const partitions = info?.partitions ?? 1;
    await log.ensureTopics([compressedTopic(shardsTopic, partitions), deadLetterTopic(deadLetters, partitions)]);
  }

  async function open({ topic, partition, endOffset }: PartitionContext): Promise<PartitionTask> {
    await (prepared ??= prepare());
    await catalog.refresh();
    const committed = catalog.shards({ topic, partition });
    await store.restore(topic, partition, committed);
    if (committed.length > 0) await manifest.update();
    const stagingFolder = store.stagingPath(topic, partition);
    const shard = {
      ...{ format, codec, sink: sinkName, topic, partition, model, dimension, stagingFolder },
      ...{ location: store.location, shardRows, clock },
      ...(endOffset !== undefined && { endOffset }),
      ...(hasBatches && { nextFileStem: batchNames(partition, committed) }),
    };
    const letters = { log, group: names.group, topic, partition, deadLetters, onDeadLetter: options.onDeadLetter };
    return new ShardPartition({ ...shard, shardsTopic, store, letters, counts: refused, onPublished });
  }

  return {
    group: names.group,
    inputs: [input],
    open,
    sinkName,
    folder: names.folder,
    stats: () => ({ folder: names.folder, ...totals, ...refused }),
    close: async () => {
      await format.close();
      await store.close();
    },
  };
}
