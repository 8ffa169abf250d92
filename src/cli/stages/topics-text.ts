import type { TopicInfo } from '../../log/port.ts';
import { differenceText, type TopicCondition } from '../../log/topic-admin.ts';
import type { TopicPlan, TopicStep } from '../../operations/topics/plan.ts';
import { formatTable } from '../../telemetry/table.ts';

export interface ShownTopic extends TopicInfo {
  readonly kind: string;
  readonly of: string;
  /** Left out: the log keeps no settings. */
  readonly condition?: TopicCondition;
}

export const NO_SETTINGS =
  'The log without brokers makes topics as they are needed and keeps no settings of them: there is nothing to do.';

export function formatTopics(topics: readonly ShownTopic[], plan: TopicPlan | undefined): string {
  if (topics.length === 0) return 'There is no topic in this namespace yet.';
  const sections = [topicTable(topics)];
  const differing = topics.flatMap(({ condition }) => (condition?.differences.length ? [condition] : []));
  const lines = differing.map(({ name, differences }) => `  ${name}: ${differences.map(differenceText).join(', ')}`);
  if (lines.length > 0) sections.push(['Not as they should be:', ...lines].join('\n'));
  if (plan !== undefined && plan.problems.length + plan.steps.length > 0) sections.push(formatPlan(plan));
  return sections.join('\n\n');
}

function topicTable(topics: readonly ShownTopic[]): string {
  if (topics.every(({ condition }) => condition === undefined)) {
    const rows = topics.map(({ name, kind, partitions, cleanup }) => [String(partitions), kind, cleanup, name]);
    return formatTable(['partitions', 'kind', 'cleanup', 'topic'], rows, [0]);
  }
  const rows = topics.map(({ name, kind, partitions, condition }) => {
    const { replicationFactor = 0, settings = {} } = condition ?? {};
    const setting = (of: string): string => settings[of] ?? '';
    return [
      ...[String(partitions), String(replicationFactor), setting('min.insync.replicas'), kind],
      ...[setting('cleanup.policy'), setting('compression.type'), name],
    ];
  });
  const head = ['partitions', 'copies', 'in sync', 'kind', 'cleanup', 'compression', 'topic'];
  return formatTable(head, rows, [0, 1, 2]);
}

export function formatPlan({ steps, problems }: TopicPlan, isDone = false): string {
  const lines: string[] = [];
  if (steps.length > 0) {
    lines.push(isDone ? 'Done:' : 'To do ("topics apply" does it):', ...steps.map((step) => `  ${stepText(step)}`));
  }
  for (const { problem, mend } of problems) lines.push(`Not to be mended in place: ${problem}.`, `  ${mend}`);
  return lines.length === 0 ? 'All topics are as they should be.' : lines.join('\n');
}

export function stepText(step: TopicStep): string {
  switch (step.step) {
    case 'create':
      return `create ${step.topic} with ${step.spec.partitions} partitions`;
    case 'alter': {
      const settings = Object.entries(step.settings).map(([name, value]) => `${name}=${value}`);
      return `set ${settings.join(', ')} on ${step.topic}`;
    }
    case 'grow':
      return `add partitions to ${step.topic}, which has no records: ${step.from} become ${step.to}`;
    case 'recreate':
      return `make ${step.topic}, which has no records, anew: ${step.from} partitions become ${step.spec.partitions}`;
  }
}
