import { hasTrouble, reportJson, formatReport } from '../../telemetry/report.ts';
import type { CommandBody } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { isPruneRefused, openSources, produceStage } from '../stages/produce-stage.ts';
import { withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof produceFlags> = async (context) => {
  const startMs = performance.now();
  const sources = await openSources(context);
  const produced = await withWorkspace(context.options, (workspace) => produceStage(workspace, sources, context));
  const report = { produced, processed: [], sunk: [], elapsedMs: performance.now() - startMs };
  context.output.result(reportJson(report), () => formatReport(report));
  return hasTrouble(report) || isPruneRefused(context.options, produced) ? 1 : 0;
};
