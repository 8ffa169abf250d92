import { basename, dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { compactedTopic } from '../../log/topics.ts';
import { findModelOrImported } from '../../operations/model-on-log.ts';
import { isS3Location } from '../../sinks/s3/address.ts';
import type { SingleForm } from '../../sinks/shard-encoder.ts';
import { createSingleFileSink } from '../../sinks/single/single-file-sink.ts';
import { singleFileNames } from '../../sinks/single/single-names.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import { outputFlags, SINGLE_FILES } from '../definitions/sink.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { runFileSink } from './run-file-sink.ts';
import { inFolder, type SinkContext, type SinkStageOptions } from './sink-stage.ts';

export type SingleFileName = (typeof SINGLE_FILES)[number];

export interface SingleFileStageOptions extends Omit<SinkStageOptions, 'format'> {
  readonly format: SingleFileName;
  /** Write the files even if the log has nothing new. */
  readonly rebuild?: boolean;
  /** Of a replay: the same, since such files are written as a whole. */
  readonly from?: unknown;
}

export function isSingleFile(name: string): name is SingleFileName {
  return SINGLE_FILES.some((format) => format === name);
}

/** Brings the single files of one model in one form up to the log. */
export async function singleFileStage(
  workspace: Workspace,
  context: SinkContext,
  stageOptions: SingleFileStageOptions,
): Promise<SinkReport> {
  const { options } = context;
  const { format } = stageOptions;
  const prepared = workspace.instruments.preparing(`sink ${format}`);
  const entry = await findModelOrImported(workspace, stageOptions.model);
  const { log, topics } = workspace;
  const partitions = await partitionCount(workspace, stageOptions.partitions);
  await log.ensureTopics([compactedTopic(topics.embeddings(entry.name), partitions)]);
  if (isS3Location(options.out))
    throw new UsageError(
      `${format} is replaced as a whole, which ${options.out} can't do at once: give a folder with --out.`,
    );
  const form = formOf(format, options);
  const identity = { form, model: entry.name, out: resolve(options.out), topics };
  const sink = createSingleFileSink({
    ...workspace,
    ...identity,
    sinkName: stageOptions.sinkName ?? inFolder(singleFileNames(identity).sinkName, identity.out),
    dimension: entry.dimension,
    rewrite: stageOptions.rebuild === true || stageOptions.from !== undefined,
    onDeadLetter: workspace.instruments.onDeadLetter,
  });
  return runFileSink(workspace, context, sink, { ...stageOptions, model: entry.name, prepared });
}

/** What `reconcile` found in a folder `<out>/<form>/<model>`; undefined: it has no single files. */
export function singleFileAt(location: string): { readonly format: SingleFileName; readonly out: string } | undefined {
  const folder = dirname(location);
  const format = basename(folder);
  return isSingleFile(format) ? { format, out: dirname(folder) } : undefined;
}

function formOf(
  format: SingleFileName,
  { vectorStoreFormat = outputFlags.vectorStoreFormat.default }: Partial<SinkContext['options']>,
): SingleForm {
  return format === 'vector-store' && vectorStoreFormat === 'jsonl' ? 'vector-store-jsonl' : format;
}
