import type { TopicSpec } from '../port.ts';

/** Room for the largest record that the port allows, and for what is around it. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A sink that was away for less than this still sees every deletion. */
const TOMBSTONES_MS = 7 * DAY_MS;
/** Dead letters are for people, who may come late. */
const DEAD_LETTERS_MS = 365 * DAY_MS;
const MOST_REPLICAS = 3;

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
