import type { CommandBody } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { isPruneRefused, produceStage, withSources } from '../stages/produce-stage.ts';
import { dryRun } from '../stages/dry-run-stage.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof produceFlags> = async (context) => {
  const startMs = performance.now();
  if (context.options.dryRun) return dryRun(context);
  const produced = await withSources(context, (sources) =>
    withWorkspace(watched(context), (workspace) => produceStage(workspace, sources, context)),
  );
  const exitCode = printReport(context, startMs, { produced });
  return isPruneRefused(context.options, produced) ? 1 : exitCode;
};
