import type { CommandBody } from '../command.ts';
import type { processFlags } from '../definitions/process.ts';
import { estimate } from '../stages/estimate-stage.ts';
import { settleModels, startModels } from '../stages/process-models.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof processFlags> = async (context) => {
  const startMs = performance.now();
  const { options } = context;
  await refuseRepeats(options.model);
  if (options.estimate) return estimate(context, { sources: [] });
  const { model: models, partitions, follow } = options;
  const done = await withWorkspace(watched(context), (workspace) => {
    const runs = startModels(workspace, context, { models, partitions, ...(!follow && { until: 'end' }) });
    return settleModels(workspace, context, runs);
  });
  return printReport(context, startMs, done);
};
