import type { CommandBody } from '../command.ts';
import type { processFlags } from '../definitions/process.ts';
import { processStage } from '../stages/process-stage.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof processFlags> = async (context) => {
  const startMs = performance.now();
  const { options } = context;
  await refuseRepeats(options.model);
  const processed = await withWorkspace(watched(context), (workspace) =>
    runTogether(context.signal, (signal) =>
      options.model.map((model) =>
        processStage(
          workspace,
          { ...context, signal },
          { model, partitions: options.partitions, ...(!options.follow && { until: 'end' }) },
        ),
      ),
    ),
  );
  return printReport(context, startMs, { processed });
};
