import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { RunOptions } from '../../log/port.ts';
import { compactedTopic } from '../../log/topics.ts';
import { findModelOrImported } from '../../operations/model-on-log.ts';
import { sha256 } from '../../record/identity.ts';
import { discardShards } from '../../sinks/discard-shards.ts';
import { createFileSink, fileSinkNames, type FileSinkNames, type FileSinkOptions } from '../../sinks/file-sink.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { openShardReader, outLocation } from '../../sinks/open-shard-store.ts';
import { shardNames } from '../../sinks/shard-names.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import { outputFlags, type FORMATS } from '../definitions/sink.ts';
import type { OptionsOf } from '../flags.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { watchTotal } from './watch-total.ts';

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

const FOLLOW_QUIET_MS = 10_000;
const NEVER_QUIET_MS = 2 ** 31 - 1;
/** Records of one `process` call of a sink: its encoder takes them in one message. */
const BATCH_RECORDS = 8192;
/** They lie in memory four times: fetched ahead, in hand, copied, and on their way to the encoder. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Writes the embeddings of one model in one format. */
export async function sinkStage(
  workspace: Workspace,
  context: SinkContext,
  stageOptions: SinkStageOptions,
): Promise<SinkReport> {
  const { options, signal, progress } = context;
  const { format, until } = stageOptions;
  const prepared = workspace.instruments.preparing(`sink ${format}`);
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
  const startMs = performance.now();
  const stage = progress.stage(`sink ${format}`, { unit: 'embeddings' });
  const stopCounting = workspace.instruments.sink(sink.sinkName, () => sink.stats());
  let stopWatching: (() => void) | undefined;
  try {
    await refuseFolder(workspace, sink);
    stopWatching = watchTotal(workspace, sink.group, sink.inputs[0] ?? '', () => sink.stats().rows, stage);
    prepared();
    await log.run(sink, {
      maxBatchRecords: BATCH_RECORDS,
      maxBatchBytes: BATCH_BYTES,
      takeOver: stageOptions.takeOver ?? false,
      // A pause only ends a shard where nobody knows when the next embedding comes.
      quietMs: until === undefined ? FOLLOW_QUIET_MS : NEVER_QUIET_MS,
      signal,
      ...(until !== undefined && { until }),
    });
  } finally {
    stopWatching?.();
    stopCounting();
    await sink.close();
  }
  const { folder, rows, deletions, shards, bytes, deadLettered, deadLettersByReason } = sink.stats();
  stage.setDone(rows);
  // As in process-stage.ts.
  if (until !== undefined && !signal.aborted) stage.setTotal(rows);
  stage.finish();
  const elapsedMs = performance.now() - startMs;
  const counts = { embeddings: rows, deletions, shards, bytes, deadLettered, deadLettersByReason };
  return { sink: sink.sinkName, model: entry.name, out: folder, ...counts, elapsedMs };
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

/** A sink that has written to one folder would leave holes in another, and two sinks in one folder would double rows. */
export async function refuseFolder(
  { log, codec, topics }: Workspace,
  { sinkName, folder }: Pick<FileSinkNames, 'sinkName' | 'folder'>,
): Promise<void> {
  // The folder first: what appears there later is not a stranger's, but was committed a moment before.
  const reader = openShardReader(folder, process.env);
  const present = shardNames((await reader.list().finally(() => reader.close())) ?? []);
  const catalog = new ShardCatalog(log, codec, topics.shards(sinkName));
  if ((await log.topics()).some(({ name }) => name === topics.shards(sinkName))) await catalog.refresh();
  if (catalog.target !== undefined)
    throw new UsageError(
      `The sink "${sinkName}" is no set of files: it writes to ${catalog.target.location}. ` +
        'Give this one another name: --sink-name=NAME.',
    );
  const elsewhere = catalog.shards().find(({ location }) => location !== folder);
  if (elsewhere !== undefined)
    throw new UsageError(
      `The sink "${sinkName}" writes to ${elsewhere.location}, not to ${folder}. ` +
        'Give the folder it has, or write everything there too under another name with --sink-name=NAME.',
    );
  const own = new Set(catalog.shards().flatMap(({ name, files }) => [name, ...files.map((file) => file.name)]));
  const strangers = present.filter((name) => !own.has(name));
  if (strangers.length > 0)
    throw new UsageError(
      `${folder} holds ${strangers.length} shards that are not of the sink "${sinkName}" on this log, the first is ` +
        `${strangers[0] ?? ''}: readers would take them for its own. Move them away, or choose another folder with --out.`,
    );
}
