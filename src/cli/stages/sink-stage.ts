import { resolve } from 'node:path';
import type { RunOptions } from '../../log/port.ts';
import { compactedTopic } from '../../log/topics.ts';
import { findModelOrImported } from '../../operations/model-on-log.ts';
import { sha256 } from '../../record/identity.ts';
import { discardShards } from '../../sinks/discard-shards.ts';
import { createFileSink, fileSinkNames, type FileSinkOptions } from '../../sinks/file-sink.ts';
import { outLocation } from '../../sinks/open-shard-store.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import { outputFlags, type FORMATS } from '../definitions/sink.ts';
import type { OptionsOf } from '../flags.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { refuseFolder, runFileSink } from './run-file-sink.ts';

export type SinkContext = Pick<CommandContext, 'signal' | 'log' | 'progress'> & {
  readonly options: Omit<OptionsOf<typeof outputFlags>, 'snapshot'>;
};
export type FileFormat = (typeof FORMATS)[number];

export interface SinkStageOptions {
  readonly format: FileFormat;
  readonly model: string;
  readonly sinkName?: string;
  readonly takeOver?: boolean;
  readonly until?: Exclude<RunOptions['until'], undefined>;
  readonly partitions?: number | undefined;
}

/**
 * Of one `process` call of a sink, whose encoder takes them in one message. The bytes lie in memory four times: fetched
 * ahead, in hand, copied, and on their way to the encoder.
 */
const BATCH = { maxBatchRecords: 8192, maxBatchBytes: 4 * 1024 * 1024 };

/** Writes the embeddings of one model in one format. */
export async function sinkStage(
  workspace: Workspace,
  context: SinkContext,
  stageOptions: SinkStageOptions,
): Promise<SinkReport> {
  const { options } = context;
  const prepared = workspace.instruments.preparing(`sink ${stageOptions.format}`);
  const entry = await findModelOrImported(workspace, stageOptions.model);
  const { log, topics } = workspace;
  const partitions = await partitionCount(workspace, stageOptions.partitions);
  await log.ensureTopics([compactedTopic(topics.embeddings(entry.name), partitions)]);
  const sink = createFileSink({
    ...workspace,
    ...sinkIdentity(workspace, context, stageOptions, entry.name),
    dimension: entry.dimension,
    shardRows: options.shardRows,
    compression: options.compress,
    environment: process.env,
    onDeadLetter: workspace.instruments.onDeadLetter,
  });
  return runFileSink(workspace, context, sink, { ...stageOptions, model: entry.name, prepared, ...BATCH });
}

/** What a sink is known by: the same flags must lead to the same position and folder again. */
export function sinkIdentity(
  { topics }: Pick<Workspace, 'topics'>,
  { options }: { readonly options: Pick<SinkContext['options'], 'out' | 'dtype'> },
  { format, sinkName }: Pick<SinkStageOptions, 'format' | 'sinkName'>,
  model: string,
): Pick<FileSinkOptions, 'format' | 'model' | 'out' | 'sinkName' | 'dtype'> {
  const out = outLocation(options.out);
  const identity = { format, model, out, ...(format === 'npy' && { dtype: options.dtype }) };
  return { ...identity, sinkName: sinkName ?? inFolder(fileSinkNames({ ...identity, topics }).sinkName, out) };
}

/** Removes what a sink has written (`from`: see `discardShards`), so that `sinkStage` writes it again. */
export async function discardStage(
  workspace: Workspace,
  context: SinkContext,
  options: Pick<SinkStageOptions, 'format' | 'model' | 'sinkName'>,
  from?: ReadonlyMap<number, number>,
): Promise<void> {
  const { name } = await findModelOrImported(workspace, options.model);
  const identity = { ...workspace, ...sinkIdentity(workspace, context, options, name) };
  await refuseFolder(workspace, fileSinkNames(identity));
  const discarded = await discardShards({ ...identity, environment: process.env, ...(from && { from }) });
  context.log.info(`Shards of ${options.format} that are removed and written again: ${discarded.length}.`);
}

/** Another folder is another sink with a position of its own, so that it gets everything. */
export function inFolder(name: string, out: string): string {
  return out === resolve(outputFlags.out.default) ? name : `${name}-${sha256(out).toString('hex').slice(0, 8)}`;
}
