import type { CommandBody } from '../command.ts';
import type { importFlags, importPositionals } from '../definitions/import.ts';
import { importStage } from '../stages/import-stage.ts';
import { formatImport, importJson, importMismatch } from '../stages/import-text.ts';
import { watched, withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof importFlags, typeof importPositionals> = async (context) => {
  const startMs = performance.now();
  const report = await withWorkspace(watched(context), (workspace) => importStage(workspace, context));
  const elapsedMs = performance.now() - startMs;
  context.output.result(importJson(report, elapsedMs), () => formatImport(report, elapsedMs));
  const isPruneRefused = context.options.prune && report.vanished > 0;
  return report.newDeadLetters > 0 || isPruneRefused || importMismatch(report) !== undefined ? 1 : 0;
};
