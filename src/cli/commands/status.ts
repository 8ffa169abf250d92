import { readStatus, type Status } from '../../operations/status.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { CommandBody } from '../command.ts';
import type { statusFlags } from '../definitions/operate.ts';
import { withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof statusFlags> = async ({ options, output }) => {
  const status = await withWorkspace(options, ({ log, topics, namespace }) =>
    readStatus(log, namespace, topics.deadLetters),
  );
  output.result(status, () => formatStatus(status));
  return 0;
};

function formatStatus({ topics, groups, deadLetters }: Status): string {
  if (topics.length === 0) return 'The log is empty: begin with "embed --source=FILE".';
  const topicRows = topics.map(({ topic, records, partitions, cleanup }) => [
    topic,
    formatCount(records),
    String(partitions),
    cleanup,
  ]);
  const groupRows = groups.flatMap(({ group, topic, partitions, owner }) =>
    partitions.map(({ partition, committed, end, lag }) => [
      group,
      `${topic}/${partition}`,
      formatCount(committed),
      formatCount(end),
      formatCount(lag),
      owner ?? '',
    ]),
  );
  return [
    table(['topic', 'offsets', 'partitions', 'cleanup'], topicRows, [1, 2]),
    table(['group', 'reads', 'committed', 'end', 'lag', 'owner'], groupRows, [2, 3, 4]),
    `${formatCount(deadLetters)} dead letters.`,
  ].join('\n\n');
}

/** Columns of even width; those in `right` are numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
