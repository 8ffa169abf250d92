import type { CommandBody } from '../command.ts';
import type { replayFlags } from '../definitions/sink.ts';
import { replayOffsets } from '../stages/replay-offsets.ts';
import { refuseRepeats } from '../stages/refuse-repeats.ts';
import { runTogether } from '../stages/run-together.ts';
import { isFileFormat, outputStage, refuseMisfits } from '../stages/output-stage.ts';
import { discardStage } from '../stages/sink-stage.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof replayFlags> = async (context) => {
  const startMs = performance.now();
  const { options } = context;
  const { sinkName } = options;
  await refuseRepeats(options.model, options.sink);
  refuseMisfits(options.sink, { sinkName }, options.model);
  const targets = options.model.flatMap((model) =>
    options.sink.map((format) => ({ model, format, ...(sinkName !== undefined && { sinkName }) })),
  );
  const sunk = await withWorkspace(watched(context), async (workspace) => {
    const offsets = await replayOffsets(workspace, options.model, options.from);
    for (const { format, ...target } of targets)
      if (isFileFormat(format))
        await discardStage(workspace, context, { ...target, format }, offsets?.get(target.model));
    return runTogether(context.signal, (signal) =>
      targets.map((target) => {
        // A store is filled anew by itself; of files, those that are wrong were removed.
        const from = offsets?.get(target.model);
        return outputStage(
          workspace,
          { ...context, signal },
          { ...target, rebuild: from === undefined, together: options.model, from, until: 'end' },
        );
      }),
    );
  });
  return printReport(context, startMs, { sunk });
};
