import { UsageError } from '../../errors.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import { FORMATS } from '../definitions/sink.ts';
import type { Workspace } from '../wiring.ts';
import { isSingleFile, singleFileStage } from './single-file-stage.ts';
import { sinkStage, type FileFormat, type SinkContext, type SinkStageOptions } from './sink-stage.ts';
import type { StoreContext, StoreStageOptions } from './store-stage.ts';

export type OutputContext = SinkContext & StoreContext;

/** What files need and what stores need; each takes its own. */
export type OutputStageOptions = Omit<SinkStageOptions, 'format'> & StoreStageOptions;

/** Brings one output up to the log, of whatever sort it is. */
export async function outputStage(
  workspace: Workspace,
  context: OutputContext,
  options: OutputStageOptions,
): Promise<SinkReport> {
  const { format } = options;
  if (isFileFormat(format)) return sinkStage(workspace, context, { ...options, format });
  if (isSingleFile(format)) return singleFileStage(workspace, context, { ...options, format });
  // What a store takes is loaded with the first one.
  const { storeStage } = await import('./store-stage.ts');
  return storeStage(workspace, context, options);
}

export function isFileFormat(name: string): name is FileFormat {
  return FORMATS.some((format) => format === name);
}

/** @throws UsageError for flags that have no meaning for one of the outputs, or for several of them. */
export function refuseMisfits(
  outputs: readonly string[],
  {
    snapshot = false,
    force = false,
    sinkName,
  }: { readonly snapshot?: boolean; readonly force?: boolean; readonly sinkName?: string | undefined },
  models: readonly string[] = [],
): void {
  if (sinkName !== undefined && outputs.length * models.length > 1)
    throw new UsageError('--sink-name is the name of one sink: give one output and one --model, or leave it out.');
  const store = outputs.find((each) => !isFileFormat(each));
  if (snapshot && store !== undefined)
    throw new UsageError(`--snapshot is for files; ${store} holds the latest of each id anyway.`);
  const files = outputs.find(isFileFormat);
  if (force && files !== undefined)
    throw new UsageError(
      `--force is for what is no file; "replay --sink=${files}" writes the files of ${files} again.`,
    );
}
