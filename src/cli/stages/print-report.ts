import { formatReport, hasTrouble, reportJson, type RunReport } from '../../telemetry/report.ts';
import type { CommandContext, ExitCode } from '../command.ts';

/** Prints what the stages of a command did; the exit code says whether something is wrong. */
export function printReport(
  { output }: Pick<CommandContext, 'output'>,
  startMs: number,
  stages: Partial<Pick<RunReport, 'produced' | 'processed' | 'sunk'>>,
): ExitCode {
  const report: RunReport = {
    ...{ produced: [], processed: [], sunk: [] },
    ...stages,
    elapsedMs: performance.now() - startMs,
  };
  output.result(reportJson(report), () => formatReport(report));
  return hasTrouble(report) ? 1 : 0;
}
