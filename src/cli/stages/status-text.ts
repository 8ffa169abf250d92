import type { GroupMember } from '../../log/port.ts';
import type { DeadLetterStatus, GroupStatus, Status, TopicStatus } from '../../operations/status.ts';
import { formatCount } from '../../telemetry/format.ts';
import { formatTable } from '../../telemetry/table.ts';

/** For 80 columns: names, which may be long, stand last or on lines of their own. */
export function formatStatus({ topics, groups, deadLetters }: Status): string {
  if (topics.length === 0) return 'The log is empty: begin with "embed --source=FILE".';
  return [topicTable(topics), ...groups.map(groupSection), deadLetterLines(deadLetters)].join('\n\n');
}

function topicTable(topics: readonly TopicStatus[]): string {
  const rows = topics.map(({ topic, records, partitions, cleanup }) => [
    ...[formatCount(records), String(partitions), cleanup, topic],
  ]);
  return formatTable(['offsets', 'partitions', 'cleanup', 'topic'], rows, [0, 1]);
}

function groupSection({ group, topic, partitions, members }: GroupStatus): string {
  const rows = partitions.map(({ partition, committed, end, lag, recordsPerSecond }) => [
    ...[String(partition), formatCount(committed), formatCount(end), formatCount(lag)],
    recordsPerSecond === undefined ? '' : formatCount(recordsPerSecond),
  ]);
  const table = formatTable(['partition', 'committed', 'end', 'lag', 'records/s'], rows, [0, 1, 2, 3, 4]);
  return [
    `group ${group}`,
    ...(topic === undefined ? [] : [`reads ${topic}`, ...table.split('\n').map((line) => `  ${line}`)]),
    ...(members.length === 0 ? ['  nobody runs it'] : members.flatMap(memberLines)),
  ].join('\n');
}

function memberLines({ name, assigned }: GroupMember): string[] {
  const topics = [...new Set(assigned.map(({ topic }) => topic))];
  const held = topics.map((topic) => {
    const partitions = assigned.filter((each) => each.topic === topic).map(({ partition }) => partition);
    return `    has ${topic} ${formatRanges(partitions)}`;
  });
  return [`  ${name}`, ...(held.length === 0 ? ['    has nothing yet'] : held)];
}

/** `0-2, 5` */
export function formatRanges(numbers: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && number <= range.last + 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}

function deadLetterLines({ total, sampled, byReason, byStage }: DeadLetterStatus): string {
  if (total === 0) return 'No dead letters.';
  const counts = (by: Readonly<Record<string, number>>): string =>
    Object.entries(by)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${formatCount(count)} ${name === '' ? 'without one' : name}`)
      .join(', ');
  return [
    `${formatCount(total)} dead letters, settled ones included. Of the latest ${formatCount(sampled)}:`,
    `  stage   ${counts(byStage)}`,
    `  reason  ${counts(byReason)}`,
  ].join('\n');
}
