import type { ImportReport } from '../../producers/embeddings/import-report.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../telemetry/format.ts';

/** What does not add up; undefined: all is well. */
export function importMismatch({ read, ...of }: ImportReport): string | undefined {
  const sum = of.created + of.changed + of.unchanged + of.superseded + of.deadLettered;
  return sum === read ? undefined : `${read} rows read, but ${sum} accounted for`;
}

export function importJson(report: ImportReport, elapsedMs: number): unknown {
  const mismatch = importMismatch(report);
  return { imported: { ...report, elapsedMs }, mismatches: mismatch === undefined ? [] : [mismatch] };
}

export function formatImport(report: ImportReport, elapsedMs: number): string {
  const { source, model, dimension, files, read, bytesRead } = report;
  const counts: readonly (readonly [string, number])[] = [
    ['new', report.created],
    ['changed', report.changed],
    ['unchanged', report.unchanged],
    ['replaced by later rows', report.superseded],
    ['dead-lettered', report.deadLettered],
    ['pruned', report.pruned],
  ];
  const shown = counts.filter(([, count], index) => index === 0 || count > 0);
  const reasons = Object.entries(report.deadLettersByReason).map(([code, count]) => `${formatCount(count)} ${code}`);
  const rate = formatRate(elapsedMs > 0 ? (read / elapsedMs) * 1000 : 0, 'rows');
  const mismatch = importMismatch(report);
  const lines = [
    `import ${source}: ${model}, ${dimension === undefined ? 'no dimension yet' : `${dimension} dimensions`}`,
    `  ${formatCount(read)} rows of ${formatCount(files)} ${files === 1 ? 'file' : 'files'} read (${formatBytes(bytesRead)}, ${formatDuration(elapsedMs)}, ${rate})`,
    `  ${shown.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')}`,
    ...(reasons.length === 0 ? [] : [`  dead letters: ${reasons.join(', ')}`]),
    ...(report.withoutText === 0
      ? []
      : [
          `  ${formatCount(report.withoutText)} without a text in the file or on the log: "process" will not skip them`,
        ]),
    ...(report.skippedFiles === 0
      ? []
      : [
          `  skipped ${formatCount(report.skippedFiles)} files that hold no embeddings of this model: ${report.skippedNames.join(', ')}${report.skippedFiles > report.skippedNames.length ? ', …' : ''}`,
        ]),
    ...(report.vanished === 0
      ? []
      : [`  ${formatCount(report.vanished)} are no longer in the files and were kept: delete them with --prune`]),
    ...(mismatch === undefined ? [] : [`error: the counts do not add up: ${mismatch}. This is a bug of embedstream.`]),
  ];
  return `${lines.join('\n')}\n`;
}
