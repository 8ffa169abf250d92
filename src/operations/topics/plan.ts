import type { TopicSpec } from '../../log/port.ts';
import { writtenCounts } from '../../log/partition-counts.ts';
import type { TopicCondition } from '../../log/topic-admin.ts';
import { topicNames, topicRole, topicSpecOf, type TopicKind } from '../../log/topics.ts';

export interface WantedTopic {
  readonly kind: TopicKind;
  readonly name: string;
}

export interface TopicPlanInput {
  readonly namespace: string;
  /** All topics of the namespace. */
  readonly present: readonly TopicCondition[];
  /** Topics that are to be there. */
  readonly wanted: readonly WantedTopic[];
  /** As asked for. */
  readonly partitions?: number | undefined;
  /** Where neither a topic nor anybody says it. */
  readonly defaultPartitions: number;
}

/** What `apply` does; nothing of it loses a record. */
export type TopicStep =
  | { readonly step: 'create'; readonly topic: string; readonly spec: TopicSpec }
  | { readonly step: 'alter'; readonly topic: string; readonly settings: Readonly<Record<string, string>> }
  | { readonly step: 'grow'; readonly topic: string; readonly from: number; readonly to: number }
  | { readonly step: 'recreate'; readonly topic: string; readonly from: number; readonly spec: TopicSpec };

/** What can't be mended in place, and what mends it. */
export interface TopicProblem {
  readonly problem: string;
  readonly mend: string;
}

export interface TopicPlan {
  readonly partitions: number;
  readonly steps: readonly TopicStep[];
  readonly problems: readonly TopicProblem[];
}

/** What it takes to have all topics with one number of partitions, set up as they should be. Pure. */
export function planTopics(input: TopicPlanInput): TopicPlan {
  const { partitions, problems, canResize } = decidePartitions(input);
  const steps: TopicStep[] = [];
  for (const topic of input.present) {
    const resize =
      canResize && topic.partitions !== partitions ? resizing(input.namespace, topic, partitions) : undefined;
    if (resize !== undefined) steps.push(resize);
    const settings = settingsToAlter(topic);
    // A topic that is made anew gets its settings then.
    if (resize?.step !== 'recreate' && Object.keys(settings).length > 0)
      steps.push({ step: 'alter', topic: topic.name, settings });
    problems.push(...problemsByHand(topic));
  }
  const names = new Set(input.present.map(({ name }) => name));
  for (const { kind, name } of input.wanted)
    if (!names.has(name) && canResize)
      steps.push({ step: 'create', topic: name, spec: topicSpecOf(kind, name, partitions) });
  return { partitions, steps, problems };
}

interface Decision {
  readonly partitions: number;
  readonly problems: TopicProblem[];
  /** False while it is unclear how many partitions a topic should have. */
  readonly canResize: boolean;
}

/** The topics that have records decide; where there are none, whoever asks; then the records topic. */
function decidePartitions({ namespace, present, partitions, defaultPartitions }: TopicPlanInput): Decision {
  const written = writtenCounts(present);
  const most = Math.max(0, ...present.map((topic) => topic.partitions));
  const [only] = written;
  if (written.length > 1) {
    const wanted = partitions ?? most;
    const problem = `topics with records have ${written.join(' and ')} partitions`;
    return { partitions: wanted, problems: [repartition(problem, namespace, wanted)], canResize: false };
  }
  if (only !== undefined) {
    const isOther = partitions !== undefined && partitions !== only;
    const problem = `topics with records have ${only} partitions`;
    const problems = isOther ? [repartition(problem, namespace, partitions)] : [];
    return { partitions: only, problems, canResize: true };
  }
  const records = present.find(({ name }) => name === topicNames(namespace).records);
  const open = partitions ?? records?.partitions ?? (most || defaultPartitions);
  return { partitions: open, problems: [], canResize: true };
}

function repartition(problem: string, namespace: string, partitions: number): TopicProblem {
  const mend = `embedstream topics repartition --namespace=${namespace} --partitions=${partitions} --into=NAMESPACE`;
  return { problem: `${problem}: an id's partition follows from their number`, mend };
}

/** Only ever of a topic without records: where the others differ, it is the one that gives way. */
function resizing(
  namespace: string,
  { name, partitions, isWritten }: TopicCondition,
  to: number,
): TopicStep | undefined {
  const role = topicRole(namespace, name);
  if (isWritten || role === undefined) return undefined;
  if (partitions < to) return { step: 'grow', topic: name, from: partitions, to };
  return { step: 'recreate', topic: name, from: partitions, spec: topicSpecOf(role.kind, name, to) };
}

function settingsToAlter({ differences }: TopicCondition): Record<string, string> {
  const alterable = differences.filter(({ canAlter }) => canAlter);
  return Object.fromEntries(alterable.map(({ setting, wanted }) => [setting, wanted]));
}

function problemsByHand({ name, differences }: TopicCondition): TopicProblem[] {
  return differences
    .filter(({ canAlter }) => !canAlter)
    .map(({ setting, value, wanted }) => ({
      problem: `${name}: ${setting} is ${value ?? 'not set'}, not ${wanted}`,
      mend: "Kafka's kafka-reassign-partitions.sh moves copies; or say that fewer are meant: --replication-factor",
    }));
}
