import { groupOwned } from '../../log/log-errors.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import type { Source } from '../../producers/port.ts';
import { formatReport, hasTrouble, reportJson } from '../../telemetry/report.ts';
import type { ProcessReport, ProduceReport, RunReport, SinkReport } from '../../telemetry/report.ts';
import type { CommandBody, CommandContext } from '../command.ts';
import type { embedFlags } from '../definitions/embed.ts';
import { globalFlags } from '../definitions/global.ts';
import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import { commandLine, shellWord } from '../help.ts';
import { isPruneRefused, produceStage, withSources } from '../stages/produce-stage.ts';
import { dryRun } from '../stages/dry-run-stage.ts';
import { estimate } from '../stages/estimate-stage.ts';
import { failureLines, withFailures, type ModelFailure } from '../stages/model-failure.ts';
import { settleModels, startModels } from '../stages/process-models.ts';
import { describeReconciliation, reconcileStage, type Reconciliation } from '../stages/reconcile-stage.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { isFileFormat, outputStage, refuseMisfits } from '../stages/output-stage.ts';
import { snapshotStage } from '../stages/snapshot-stage.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

type EmbedContext = CommandContext<typeof embedFlags>;

export const run: CommandBody<typeof embedFlags> = async (context) => {
  const startMs = performance.now();
  const { options, output } = context;
  await refuseRepeats(options.model, options.sink);
  refuseMisfits(options.sink, options);
  if (options.dryRun) return dryRun(context);
  if (options.estimate) return withSources(context, (sources) => estimate(context, { sources, limit: options.limit }));
  return withSources(context, (sources) =>
    withWorkspace(watched(context), async (workspace) => {
      await refuseOwned(workspace, options);
      const { failed, ...stages } = await runStages(workspace, sources, context);
      const reconciliation = await reconcileUnlessStopped(workspace, context, failed, stages.sunk);
      const report: RunReport = {
        ...stages,
        elapsedMs: performance.now() - startMs,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        hints: context.signal.aborted ? ['Stopped: run the same command again to go on.'] : hints(context, stages.sunk),
      };
      output.result(withFailures({ ...reportJson(report), reconciliation: reconciliation?.json }, failed), () =>
        [
          ...(reconciliation === undefined ? [] : [`${describeReconciliation(reconciliation)}\n`]),
          formatReport(report) + failureLines(failed),
        ].join('\n'),
      );
      const differs = (reconciliation?.differences ?? 0) > 0;
      const isWrong = differs || failed.length > 0 || isPruneRefused(options, stages.produced);
      return hasTrouble(report) || isWrong ? 1 : 0;
    }),
  );
};

/** Before anything is published: a second run of a source would fence the first one, and then both would end. */
async function refuseOwned(workspace: Workspace, options: EmbedContext['options']): Promise<void> {
  const { log, namespace, oneConsumerAGroup } = workspace;
  if (options.takeOver || !oneConsumerAGroup) return;
  const groups = new Map((await log.groups()).map(({ group, members }) => [group, members]));
  for (const model of options.model) {
    const group = processorGroup(namespace, (await findModel(model)).name);
    const [owner] = groups.get(group) ?? [];
    if (owner !== undefined) throw groupOwned(group, owner.name);
  }
}

/**
 * A stop leaves the recount out, not the report of what was done. A model that has failed can't add up, nor an output that is
 * brought up by a run of its own.
 */
async function reconcileUnlessStopped(
  workspace: Workspace,
  context: EmbedContext,
  failed: readonly ModelFailure[],
  sunk: readonly SinkReport[],
): Promise<Reconciliation | undefined> {
  const { options, signal } = context;
  const sinks = sunk.map(({ sink }) => sink);
  const models = options.model.filter((model) => !failed.some((each) => each.model === model));
  try {
    return signal.aborted || models.length === 0
      ? undefined
      : await reconcileStage(workspace, { models, sinks, signal, stores: context });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

interface Stages {
  produced: ProduceReport[];
  processed: ProcessReport[];
  sunk: SinkReport[];
  failed: ModelFailure[];
}

const isDone = (): boolean => true;

/** All stages at once: each follows the one before it until that has ended, and then to the end. */
async function runStages(workspace: Workspace, sources: readonly Source[], context: EmbedContext): Promise<Stages> {
  const { options } = context;
  const { partitions } = options;
  const stages: Stages = { produced: [], processed: [], sunk: [], failed: [] };
  await runTogether(context.signal, (signal, failure) => {
    const stageContext = { ...context, signal };
    // A stop ends the sinks by ending what they follow, so that they write all that was embedded.
    const sinkContext = { ...context, signal: failure };
    const producing = produceStage(workspace, sources, stageContext).then((reports) => {
      stages.produced.push(...reports);
    });
    const models = startModels(workspace, stageContext, { models: options.model, partitions, until: producing });
    const processing = settleModels(workspace, context, models).then(({ processed, failed }) => {
      stages.processed.push(...processed);
      stages.failed.push(...failed);
    });
    const sinking = models.runs.flatMap(({ model, processed }) =>
      options.sink.map(async (format) => {
        if (options.snapshot && isFileFormat(format)) {
          // Of a model that has failed there is no whole set.
          if (await processed.then(isDone, () => false))
            stages.sunk.push(await snapshotStage(workspace, sinkContext, { model, format }));
        } else {
          stages.sunk.push(await outputStage(workspace, sinkContext, { model, format, partitions, until: processed }));
        }
      }),
    );
    return [producing, processing, ...sinking];
  });
  // Sinks end in any order; the report has theirs.
  stages.sunk.sort((a, b) => a.sink.localeCompare(b.sink));
  return stages;
}

const EXAMPLE = 'examples/catalogue.csv';

function hints({ options, givenModels }: EmbedContext, sunk: readonly SinkReport[]): string[] {
  const { dataDir, namespace, modelsDir, model, source } = options;
  const flags = [
    ...(dataDir === globalFlags.dataDir.default ? [] : [`--data-dir=${shellWord(dataDir)}`]),
    ...(namespace === globalFlags.namespace.default ? [] : [`--namespace=${namespace}`]),
    ...(modelsDir === globalFlags.modelsDir.default ? [] : [`--models-dir=${shellWord(modelsDir)}`]),
    ...(model[0] === DEFAULT_MODEL ? [] : [`--model=${shellWord(givenModels[0] ?? DEFAULT_MODEL)}`]),
    source[0] === EXAMPLE ? '"bronze vessel with a dragon"' : '"what you look for, in your words"',
  ];
  const invocation = import.meta.url.endsWith('.ts') ? 'npm-run' : 'npx';
  const parquet = sunk.find(({ sink }) => sink.startsWith('parquet'));
  return [
    'Try next:',
    `  ${commandLine(invocation, 'search', flags.join(' '))}`,
    ...(parquet === undefined
      ? []
      : [`  python3 -c 'import pyarrow.parquet as pq; print(pq.read_table("${parquet.out}"))'`]),
  ];
}
