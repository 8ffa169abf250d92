import type { CommandBody } from '../command.ts';
import type { sinkFlags, sinkPositionals } from '../definitions/sink.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { isFileFormat, outputStage, refuseMisfits } from '../stages/output-stage.ts';
import { snapshotStage } from '../stages/snapshot-stage.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

export const run: CommandBody<typeof sinkFlags, typeof sinkPositionals> = async (context) => {
  const startMs = performance.now();
  const { options, args } = context;
  await refuseRepeats(options.model, args.formats);
  refuseMisfits(args.formats, options, options.model);
  const pairs = options.model.flatMap((model) => args.formats.map((format) => ({ model, format })));
  const sunk = await withWorkspace(watched(context), async (workspace) => {
    const reports = await runTogether(context.signal, (signal) =>
      pairs.map(({ model, format }) =>
        options.snapshot && isFileFormat(format)
          ? snapshotStage(workspace, { ...context, signal }, { model, format })
          : outputStage(
              workspace,
              { ...context, signal },
              {
                ...{ format, model, takeOver: options.takeOver, partitions: options.partitions },
                rebuild: options.force,
                together: options.model,
                ...(options.sinkName !== undefined && { sinkName: options.sinkName }),
                ...(!options.follow && { until: 'end' }),
              },
            ),
      ),
    );
    for (const model of await notEmbedded(workspace, new Set(reports.map((report) => report.model))))
      context.log.warn(
        `Nothing on this log is embedded with ${model}: are --data-dir, --namespace and --model as they should be?`,
      );
    return reports;
  });
  return printReport(context, startMs, { sunk });
};

/** Of these models, those that have no embedding on the log and never had. */
async function notEmbedded({ log, topics }: Workspace, models: ReadonlySet<string>): Promise<string[]> {
  const present = await log.topics();
  return [...models].filter((model) => {
    const topic = present.find(({ name }) => name === topics.embeddings(model));
    return topic?.partitionInfo.every(({ endOffset }) => endOffset === 0) ?? true;
  });
}
