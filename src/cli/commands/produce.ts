import type { CommandBody } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { isPruneRefused, openSources, produceStage } from '../stages/produce-stage.ts';
import { printReport } from '../stages/print-report.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof produceFlags> = async (context) => {
  const startMs = performance.now();
  const sources = await openSources(context);
  const produced = await withWorkspace(watched(context), (workspace) => produceStage(workspace, sources, context));
  const exitCode = printReport(context, startMs, { produced });
  return isPruneRefused(context.options, produced) ? 1 : exitCode;
};
