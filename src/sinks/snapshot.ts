import { buildManifest, manifestText } from './manifest.ts';
import { batchNames } from './batch-names.ts';
import { newShardFolder } from './open-shard-store.ts';
import { OpenShard, type OpenShardOptions } from './open-shard.ts';
import type { ShardFormat } from './port.ts';
import type { Compression, ShardFormatName, VectorDtype } from './shard-encoder.ts';
import type { NewShardFolder } from './shard-store.ts';
import { createShardFormat } from './worker-format.ts';
import { DEFAULT_SHARD_ROWS } from './file-sink.ts';
import type { Codec } from '../codec/port.ts';
import { PipelineError, UsageError } from '../errors.ts';
import { IdentityTable } from '../ledger/identity-table.ts';
import type { Log, LogRecord, PartitionInfo } from '../log/port.ts';
import type { ShardDescriptor } from '../record/types.ts';

export interface SnapshotOptions {
  readonly format: ShardFormatName;
  readonly dtype?: VectorDtype;
  readonly compression?: Compression;
  readonly log: Log;
  readonly codec: Pick<Codec, 'upgradeEmbedding'>;
  /** The embeddings topic. */
  readonly topic: string;
  readonly model: string;
  readonly dimension: number;
  /** The folder, or `s3://bucket/prefix`, that is to appear; it must not be there. */
  readonly folder: string;
  /** How buckets are reached. Default: nothing is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly shardRows?: number;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

export interface SnapshotResult {
  readonly folder: string;
  readonly rows: number;
  readonly shards: number;
  readonly bytes: number;
}

const SEMANTICS = 'One clean set: the latest embedding of every id that is not deleted, each id once.';
/** Payload word 2 of the identity table: the latest record of the id is an embedding. */
const LIVE = 1;

/**
 * Writes the latest live embedding of each id to a new folder that appears at once.
 * Errors: FILE_SINK_SNAPSHOT_RACED (retriable) when the log was compacted meanwhile, those of the file sinks,
 * UsageError when the folder is there.
 */
export async function writeSnapshot(options: SnapshotOptions): Promise<SnapshotResult> {
  const folder = await newShardFolder(options.folder, options.environment);
  const format = createShardFormat(options);
  try {
    const shards = await writeShards(options, format, folder);
    const bytes = shards.flatMap((shard) => shard.files).reduce((sum, file) => sum + file.bytes, 0);
    return {
      folder: folder.location,
      rows: shards.reduce((sum, shard) => sum + shard.rows, 0),
      shards: shards.length,
      bytes,
    };
  } finally {
    await format.close();
    await folder.close();
  }
}

async function writeShards(
  options: SnapshotOptions,
  format: ShardFormat,
  folder: NewShardFolder,
): Promise<ShardDescriptor[]> {
  const { log, codec, topic, model, dimension, shardRows = DEFAULT_SHARD_ROWS, clock = Date.now } = options;
  const info = (await log.topics()).find(({ name }) => name === topic);
  if (info === undefined) throw new UsageError(`There are no embeddings of ${model}: no topic ${topic}.`);
  const shards: ShardDescriptor[] = [];
  for (const partition of info.partitionInfo) {
    const shard = { format, codec, sink: 'snapshot', topic, partition: partition.partition, model, dimension };
    const open: OpenShardOptions = {
      ...{ ...shard, location: folder.location, stagingFolder: folder.stagingFolder, shardRows, clock },
      ...(options.format === 'jsonl' && { nextFileStem: batchNames(partition.partition, []) }),
    };
    for await (const staged of livingShards(options, partition, open)) {
      shards.push(staged.descriptor);
      await folder.add(staged);
    }
  }
  const manifest = { format: format.name, sink: 'snapshot', model, dimension, semantics: SEMANTICS };
  const howToRead = format.howToRead.replaceAll('{folder}', '.');
  await folder.appear(manifestText(buildManifest({ ...manifest, howToRead }, shards)));
  return shards;
}

/** Two passes over a partition: the latest offset of each id, then the records at those offsets. */
async function* livingShards(
  { log, topic, signal }: SnapshotOptions,
  { partition, startOffset, endOffset }: PartitionInfo,
  open: OpenShardOptions,
): AsyncGenerator<Awaited<ReturnType<OpenShard['finish']>>> {
  const batches = (): ReturnType<Log['read']> =>
    log.read(topic, partition, startOffset, endOffset, signal === undefined ? {} : { signal });
  const latest = new IdentityTable();
  for await (const { records } of batches()) for (const record of records) remember(latest, record);
  let missing = 0;
  for (const slot of latest.slots()) missing += latest.payload(slot, 2);
  let shard: OpenShard | undefined;
  try {
    for await (const { records } of batches()) {
      const living = records.filter((record) => isLatest(latest, record));
      missing -= living.length;
      for (let from = 0; from < living.length;) {
        shard ??= new OpenShard(open);
        const to = Math.min(living.length, from + open.shardRows - shard.records);
        await shard.append(living, from, to);
        from = to;
        if (shard.records < open.shardRows) continue;
        yield await shard.finish();
        shard = undefined;
      }
    }
    signal?.throwIfAborted();
    if (missing !== 0) throw raced(topic, partition);
    if (shard !== undefined) yield await shard.finish();
    shard = undefined;
  } finally {
    await shard?.abort();
  }
}

function remember(latest: IdentityTable, { key, value, offset }: LogRecord): void {
  if (key === null) return;
  const slot = latest.upsert(key);
  latest.setPayloadNumber(slot, offset);
  latest.setPayload(slot, 2, value === null ? 0 : LIVE);
}

function isLatest(latest: IdentityTable, { key, value, offset }: LogRecord): boolean {
  if (key === null || value === null) return false;
  const slot = latest.find(key);
  return slot >= 0 && latest.payloadNumber(slot) === offset;
}

function raced(topic: string, partition: number): PipelineError {
  const what = `${topic}/${partition} was compacted while the snapshot was read, and has newer versions of some ids.`;
  return new PipelineError('FILE_SINK_SNAPSHOT_RACED', `${what} Nothing was written; run it again.`, {
    retriable: true,
  });
}
