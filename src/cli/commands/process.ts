import { formatReport, hasTrouble, reportJson } from '../../telemetry/report.ts';
import type { CommandBody } from '../command.ts';
import type { processFlags } from '../definitions/process.ts';
import { processStage } from '../stages/process-stage.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof processFlags> = async (context) => {
  const startMs = performance.now();
  const { options } = context;
  await refuseRepeats(options.model);
  const processed = await withWorkspace(options, (workspace) =>
    runTogether(context.signal, (signal) =>
      options.model.map((model) =>
        processStage(workspace, { ...context, signal }, { model, ...(!options.follow && { until: 'end' }) }),
      ),
    ),
  );
  const report = { produced: [], processed, sunk: [], elapsedMs: performance.now() - startMs };
  context.output.result(reportJson(report), () => formatReport(report));
  return hasTrouble(report) ? 1 : 0;
};
