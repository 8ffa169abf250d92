import type { RunOptions } from '../../log/port.ts';
import type { ProcessReport } from '../../telemetry/report.ts';
import { thrownFailure } from '../failures.ts';
import type { Workspace } from '../wiring.ts';
import { loadModels, type ModelContext } from './load-models.ts';
import type { ModelFailure } from './model-failure.ts';
import { processStage } from './process-stage.ts';

export interface ProcessModelsOptions {
  readonly models: readonly string[];
  /** When to end; left out: only at the signal. */
  readonly until?: Exclude<RunOptions['until'], undefined>;
  /** Partitions of topics that are not there yet. */
  readonly partitions?: number | undefined;
}

export interface ModelRun {
  readonly model: string;
  /** Rejects with what ended it; the others go on. */
  readonly processed: Promise<ProcessReport>;
}

export interface ModelRuns {
  /** Rejects when one of the models can't be loaded: then none of them begins. */
  readonly loaded: Promise<unknown>;
  readonly runs: readonly ModelRun[];
}

/** Embeds what is on the log with several models, each in a group of its own; each record is read once. */
export function startModels(
  workspace: Workspace,
  context: ModelContext,
  { models, ...run }: ProcessModelsOptions,
): ModelRuns {
  const prepared = models.map((model) => workspace.instruments.preparing(`process ${model}`));
  const loaded = loadModels(workspace, context, models);
  const sharedReads = models.length > 1 ? { sharedReads: {} } : {};
  const start = async (index: number): Promise<ProcessReport> => {
    const embedder = (await loaded)[index];
    if (embedder === undefined) throw new Error(`model ${index} was not loaded`);
    return processStage(workspace, context, {
      embedder,
      ...run,
      ...sharedReads,
      prepared: () => prepared[index]?.(),
    });
  };
  const runs = models.map((model, index) => ({ model, processed: start(index) }));
  // Each is met by whoever takes it up, and until then must not count as unhandled.
  for (const each of [loaded, ...runs.map(({ processed }) => processed)]) each.catch(() => undefined);
  return { loaded, runs };
}

/**
 * What the runs came to. With one model, or where none could begin, a failure is thrown; with several it is said, and
 * the others go on to their ends.
 */
export async function settleModels(
  workspace: Pick<Workspace, 'instruments'>,
  { log }: Pick<ModelContext, 'log'>,
  { loaded, runs }: ModelRuns,
): Promise<{ readonly processed: ProcessReport[]; readonly failed: ModelFailure[] }> {
  await loaded;
  const failed: ModelFailure[] = [];
  const processed = await Promise.all(
    runs.map(async ({ model, processed: running }) => {
      try {
        return await running;
      } catch (error) {
        if (runs.length === 1) throw error;
        const failure = { model, ...thrownFailure(error, false).json.error };
        failed.push(failure);
        // For as long as the others go on, in a service perhaps for ever.
        workspace.instruments.preparing(`process ${model} has failed`);
        log.error(`process ${model}: ${failure.message}`);
        return undefined;
      }
    }),
  );
  return { processed: processed.filter((report) => report !== undefined), failed };
}
