import { formatReport, hasTrouble, reportJson, type RunReport } from '../../telemetry/report.ts';
import type { CommandContext, ExitCode } from '../command.ts';
import { failureLines, withFailures, type ModelFailure } from './model-failure.ts';

/** Prints what the stages of a command did; the exit code says whether something is wrong. */
export function printReport(
  { output }: Pick<CommandContext, 'output'>,
  startMs: number,
  {
    failed = [],
    ...stages
  }: Partial<Pick<RunReport, 'produced' | 'processed' | 'sunk'>> & { readonly failed?: readonly ModelFailure[] },
): ExitCode {
  const report: RunReport = {
    ...{ produced: [], processed: [], sunk: [] },
    ...stages,
    elapsedMs: performance.now() - startMs,
  };
  output.result(withFailures(reportJson(report), failed), () => formatReport(report) + failureLines(failed));
  return hasTrouble(report) || failed.length > 0 ? 1 : 0;
}
