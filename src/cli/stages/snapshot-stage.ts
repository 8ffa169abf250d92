import { fatalError } from '../../errors.ts';
import { commonPartitions } from '../../log/partition-counts.ts';
import { findModelOrImported } from '../../operations/model-on-log.ts';
import { outLocation } from '../../sinks/open-shard-store.ts';
import { writeSnapshot } from '../../sinks/snapshot.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import type { Workspace } from '../wiring.ts';
import type { FileFormat, SinkContext } from './sink-stage.ts';

/** Writes one clean set to a new folder: `<out>/snapshots/<format>-<model>-<time>`. */
export async function snapshotStage(
  { log, codec, topics, namespace, clock, instruments }: Workspace,
  { options, signal }: SinkContext,
  { model, format }: { readonly model: string; readonly format: FileFormat },
): Promise<SinkReport> {
  const startMs = performance.now();
  instruments.begun();
  const { name, dimension } = await findModelOrImported({ log, codec, topics }, model);
  const topic = topics.embeddings(name);
  const present = await log.topics();
  commonPartitions(present, namespace);
  if (!present.some((each) => each.name === topic))
    throw fatalError('SNAPSHOT_NOTHING_EMBEDDED', `Nothing on this log is embedded with ${name} yet: run "process".`);
  const time = new Date(clock()).toISOString().replace(/[-:]|\.\d+/g, '');
  const snapshot = await writeSnapshot({
    ...{ format, log, codec, topic, model: name, dimension, clock, signal },
    folder: outLocation(options.out, 'snapshots', `${format}-${name}-${time}`),
    environment: process.env,
    shardRows: options.shardRows,
    compression: options.compress,
    ...(format === 'npy' && { dtype: options.dtype === 'fp16' ? 'fp16' : 'fp32' }),
  });
  return {
    sink: `${format} snapshot`,
    model: name,
    out: snapshot.folder,
    embeddings: snapshot.rows,
    deletions: 0,
    shards: snapshot.shards,
    bytes: snapshot.bytes,
    elapsedMs: performance.now() - startMs,
  };
}
