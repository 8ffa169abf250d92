import type { TopicSpec } from '../port.ts';
import type { TopicDifference } from '../topic-admin.ts';

/** Room for the largest record that the port allows, and for what is around it. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A sink that was away for less than this still sees every deletion. */
const TOMBSTONES_MS = 7 * DAY_MS;
/** Dead letters are for people, who may come late. */
const DEAD_LETTERS_MS = 365 * DAY_MS;
const MOST_REPLICAS = 3;
const FOR_EVER = '-1';

/** Copies of each partition, unless told otherwise. */
export function defaultReplicationFactor(brokers: number): number {
  return Math.min(MOST_REPLICAS, brokers);
}

/** A topic's own settings, by Kafka's names: https://kafka.apache.org/documentation/#topicconfigs */
export function topicSettings(spec: TopicSpec, replicationFactor: number): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': spec.cleanup,
    'compression.type': spec.compression === 'zstd' ? 'zstd' : 'uncompressed',
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
    // With three copies one broker may be away, and what is acknowledged is still on two.
    'min.insync.replicas': String(replicationFactor >= MOST_REPLICAS ? 2 : 1),
    ...(spec.cleanup === 'compact'
      ? { 'delete.retention.ms': String(TOMBSTONES_MS) }
      : { 'retention.ms': String(DEAD_LETTERS_MS) }),
  };
}

/** What has to be known of a topic to tell whether it is as it should be. */
export const CHECKED_SETTINGS = [
  'cleanup.policy',
  'compression.type',
  'max.message.bytes',
  'min.insync.replicas',
  'delete.retention.ms',
  'retention.ms',
  'retention.bytes',
] as const;

/** More than asked for does no harm in these, nor does for ever. */
const AT_LEAST: ReadonlySet<string> = new Set([
  'max.message.bytes',
  'min.insync.replicas',
  'delete.retention.ms',
  'retention.ms',
]);

export interface PresentTopic {
  readonly replicationFactor: number;
  readonly settings: ReadonlyMap<string, string | null>;
}

/** How a topic differs from what it would be if it were made now, with so many copies. */
export function topicDifferences(
  spec: TopicSpec,
  { replicationFactor, settings }: PresentTopic,
  wantedReplicas: number,
): TopicDifference[] {
  const differences: TopicDifference[] = [];
  for (const [setting, wanted] of Object.entries(topicSettings(spec, replicationFactor))) {
    const value = settings.get(setting) ?? null;
    if (isAsGood(setting, value, wanted)) continue;
    const isHarmful = setting === 'cleanup.policy' && losesRecords(spec, value ?? '', settings);
    differences.push({ setting, value, wanted, isHarmful, canAlter: true });
  }
  if (replicationFactor < wantedReplicas)
    differences.push({
      setting: 'replication.factor',
      value: String(replicationFactor),
      wanted: String(wantedReplicas),
      isHarmful: false,
      canAlter: false,
    });
  return differences;
}

function isAsGood(setting: string, value: string | null, wanted: string): boolean {
  if (value === wanted) return true;
  // As it was sent, and we send it in the form that is wanted.
  if (setting === 'compression.type') return value === 'producer';
  if (value === null || !AT_LEAST.has(setting)) return false;
  return (value === FOR_EVER && setting === 'retention.ms') || Number(value) >= Number(wanted);
}

/** Either by time or size what should be kept by key, or by key what should all be kept. */
function losesRecords(spec: TopicSpec, policy: string, settings: ReadonlyMap<string, string | null>): boolean {
  const policies = policy.split(',').map((each) => each.trim());
  if (spec.cleanup === 'delete') return policies.includes('compact');
  const isKept = settings.get('retention.ms') === FOR_EVER && settings.get('retention.bytes') === FOR_EVER;
  return policies.includes('delete') && !isKept;
}
