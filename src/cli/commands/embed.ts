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
import { commandLine } from '../help.ts';
import { isPruneRefused, produceStage, withSources } from '../stages/produce-stage.ts';
import { dryRun } from '../stages/dry-run-stage.ts';
import { processStage } from '../stages/process-stage.ts';
import { describeReconciliation, reconcileStage, type Reconciliation } from '../stages/reconcile-stage.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { sinkStage } from '../stages/sink-stage.ts';
import { snapshotStage } from '../stages/snapshot-stage.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

type EmbedContext = CommandContext<typeof embedFlags>;

export const run: CommandBody<typeof embedFlags> = async (context) => {
  const startMs = performance.now();
  const { options, output } = context;
  await refuseRepeats(options.model, options.sink);
  if (options.dryRun) return dryRun(context);
  return withSources(context, (sources) =>
    withWorkspace(watched(context), async (workspace) => {
      await refuseOwned(workspace, options);
      const stages = await runStages(workspace, sources, context);
      const reconciliation = await reconcileUnlessStopped(workspace, context);
      const report: RunReport = {
        ...stages,
        elapsedMs: performance.now() - startMs,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        hints:
          reconciliation === undefined
            ? ['Stopped: run the same command again to go on.']
            : hints(options, stages.sunk),
      };
      output.result({ ...reportJson(report), reconciliation: reconciliation?.json }, () =>
        [
          ...(reconciliation === undefined ? [] : [`${describeReconciliation(reconciliation)}\n`]),
          formatReport(report),
        ].join('\n'),
      );
      const isWrong = (reconciliation?.differences ?? 0) > 0 || isPruneRefused(options, stages.produced);
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

/** A stop leaves the recount out, not the report of what was done. */
async function reconcileUnlessStopped(
  workspace: Workspace,
  { options, signal }: EmbedContext,
): Promise<Reconciliation | undefined> {
  try {
    return signal.aborted ? undefined : await reconcileStage(workspace, { models: options.model, signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

interface Stages {
  produced: ProduceReport[];
  processed: ProcessReport[];
  sunk: SinkReport[];
}

/** All stages at once: each follows the one before it until that has ended, and then to the end. */
async function runStages(workspace: Workspace, sources: readonly Source[], context: EmbedContext): Promise<Stages> {
  const { options } = context;
  const { partitions } = options;
  const stages: Stages = { produced: [], processed: [], sunk: [] };
  await runTogether(context.signal, (signal, failure) => {
    const stageContext = { ...context, signal };
    // A stop ends the sinks by ending what they follow, so that they write all that was embedded.
    const sinkContext = { ...context, signal: failure };
    const producing = produceStage(workspace, sources, stageContext).then((reports) => {
      stages.produced.push(...reports);
    });
    const processing = options.model.map((model) => {
      const processed = processStage(workspace, stageContext, { model, partitions, until: producing }).then(
        (report) => {
          stages.processed.push(report);
        },
      );
      return { model, processed };
    });
    const sinking = processing.flatMap(({ model, processed }) =>
      options.sink.map(async (format) => {
        const target = { model, format };
        const report = options.snapshot
          ? await processed.then(() => snapshotStage(workspace, sinkContext, target))
          : await sinkStage(workspace, sinkContext, { ...target, partitions, until: processed });
        stages.sunk.push(report);
      }),
    );
    return [producing, ...processing.map(({ processed }) => processed), ...sinking];
  });
  // Sinks end in any order; the report has theirs.
  stages.sunk.sort((a, b) => a.sink.localeCompare(b.sink));
  return stages;
}

const EXAMPLE = 'examples/catalogue.csv';

function hints({ dataDir, namespace, model, source }: EmbedContext['options'], sunk: readonly SinkReport[]): string[] {
  const flags = [
    ...(dataDir === globalFlags.dataDir.default ? [] : [`--data-dir=${dataDir}`]),
    ...(namespace === globalFlags.namespace.default ? [] : [`--namespace=${namespace}`]),
    ...(model[0] === DEFAULT_MODEL ? [] : [`--model=${model[0] ?? ''}`]),
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
