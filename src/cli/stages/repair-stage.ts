import { basename, dirname } from 'node:path';
import { fatalError, UsageError } from '../../errors.ts';
import type { SinkReconciliation } from '../../operations/reconcile/reconcile-sink.ts';
import type { StoreToReconcile } from '../../operations/reconcile/reconcile-store.ts';
import { discardShards } from '../../sinks/discard-shards.ts';
import { fileSinkNames, JSONL_FOLDER } from '../../sinks/file-sink.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { sinkGroup } from '../../sinks/stores/store-names.ts';
import type { CommandContext } from '../command.ts';
import { outputFlags } from '../definitions/sink.ts';
import type { Workspace } from '../wiring.ts';
import { singleFileAt, singleFileStage } from './single-file-stage.ts';
import { sinkStage, type FileFormat } from './sink-stage.ts';
import { storeStage, type StoreContext } from './store-stage.ts';

export type RepairContext = StoreContext & Pick<CommandContext, 'signal' | 'log' | 'progress'>;

/** Two writers would undo each other's work. */
export async function refuseRunningSink({ log, topics }: Workspace, sinkName: string): Promise<void> {
  const name = sinkGroup(topics, sinkName);
  const [owner] = (await log.groups()).find(({ group }) => group === name)?.members ?? [];
  if (owner !== undefined)
    throw fatalError('LOG_GROUP_OWNED', `${sinkName} is running (${owner.name}): stop it before it is repaired.`);
}

/** Brings a store up to the log, or fills it anew where it holds nothing any more; single ids are repaired afterwards. */
export async function catchUpStore(
  workspace: Workspace,
  context: RepairContext,
  store: StoreToReconcile,
): Promise<void> {
  await refuseRunningSink(workspace, store.name);
  const { adapter: format, model, name: sinkName, location } = store;
  await storeStage(workspace, context, { format, model, sinkName, location, until: 'end' });
}

/** Writes the shards of a file sink again from the first one that is damaged or lacks something. */
export async function rewriteShards(
  workspace: Workspace,
  context: RepairContext,
  { sink, model, location, rewriteFrom }: SinkReconciliation,
): Promise<void> {
  await refuseRunningSink(workspace, sink);
  const single = singleFileAt(location);
  if (single !== undefined) {
    await rewriteSingleFile(workspace, context, { ...single, model, sinkName: sink });
    return;
  }
  const identity = { ...fileIdentity(location), model, sinkName: sink };
  if (fileSinkNames({ ...identity, topics: workspace.topics }).folder !== location)
    throw new UsageError(
      `${location} is not where this version would write ${sink} again: run "replay --sink" for it.`,
    );
  const buckets = { environment: process.env };
  await discardShards({ ...workspace, ...identity, ...buckets, ...(rewriteFrom && { from: rewriteFrom }) });
  const { format, dtype, out, sinkName } = identity;
  const options = {
    out,
    dtype,
    shardRows: outputFlags.shardRows.default,
    compress: outputFlags.compress.default,
    vectorStoreFormat: outputFlags.vectorStoreFormat.default,
  };
  await sinkStage(workspace, { ...context, options }, { format, model, sinkName, until: 'end' });
}

/** The form of a vector store's export is that of the file that is there. */
async function rewriteSingleFile(
  workspace: Workspace,
  context: RepairContext,
  { format, out, model, sinkName }: NonNullable<ReturnType<typeof singleFileAt>> & { model: string; sinkName: string },
): Promise<void> {
  const catalog = new ShardCatalog(workspace.log, workspace.codec, workspace.topics.shards(sinkName));
  await catalog.refresh();
  const lines = catalog.shards().some((shard) => shard.format === 'vector-store-jsonl');
  const { dtype, shardRows, compress } = outputFlags;
  const defaults = { dtype: dtype.default, shardRows: shardRows.default, compress: compress.default };
  const options = { ...defaults, out, vectorStoreFormat: lines ? 'jsonl' : 'json' } as const;
  await singleFileStage(workspace, { ...context, options }, { format, model, sinkName, rebuild: true, until: 'end' });
}

/** From `<out>/<format>/<model>`. */
function fileIdentity(location: string): { format: FileFormat; dtype: 'fp32' | 'fp16'; out: string } {
  const folder = dirname(location);
  const name = basename(folder);
  const out = dirname(folder);
  if (name === JSONL_FOLDER) return { format: 'jsonl', dtype: 'fp32', out };
  return name === 'parquet'
    ? { format: name, dtype: 'fp32', out }
    : { format: 'npy', dtype: name === 'npy-fp16' ? 'fp16' : 'fp32', out };
}
