import type { PipelineError } from '../errors.ts';
import { fatalError, poisonError } from '../errors.ts';
import { partitionOf } from './partitioner.ts';
import { MAX_RECORD_BYTES, type TopicSpec } from './port.ts';
import { repartitionCommand } from './topics.ts';

/** The errors that every adapter words alike. */

export function recordTooLarge(topic: string, key: Uint8Array | null, bytes: number): PipelineError {
  return poisonError(
    'LOG_RECORD_TOO_LARGE',
    `A record for topic "${topic}" with key ${printableKey(key)} is ${bytes} bytes; the limit for key, value and ` +
      `headers together is ${MAX_RECORD_BYTES} bytes. Nothing of its append was written. Make the record smaller.`,
  );
}

export function topicUnknown(topic: string): PipelineError {
  return fatalError(
    'LOG_TOPIC_UNKNOWN',
    `Topic "${topic}" does not exist on this log. Create it with ensureTopics, or check its name.`,
  );
}

export function partitionUnknown(topic: string, partition: number, partitions: number): PipelineError {
  return fatalError(
    'LOG_PARTITION_MISMATCH',
    `Topic "${topic}" has no partition ${partition}: its ${partitions} partition(s) are numbered from 0.`,
  );
}

export function partitionMismatch(wanted: TopicSpec, present: number): PipelineError {
  return fatalError(
    'LOG_PARTITION_MISMATCH',
    `Topic "${wanted.name}" is there with ${present} partition(s), not ${wanted.partitions}. All topics of a namespace ` +
      `have the same number, for good: ask for ${present}, or copy the namespace into one with another number, ` +
      `"embedstream topics repartition". "embedstream topics plan" says more.`,
  );
}

/** Partitions were added to the topic, or somebody has another partitioner. */
export function keyMisplaced(
  key: Uint8Array,
  { topic, partition, partitions }: { readonly topic: string; readonly partition: number; readonly partitions: number },
  offset: number,
): PipelineError {
  return fatalError(
    'LOG_PARTITION_MISMATCH',
    `Key ${printableKey(key)} is in ${topic}/${partition}@${offset}; with ${partitions} partitions it belongs into ` +
      `partition ${partitionOf(key, partitions)}, where everything about it is looked for. Either partitions were added, or ` +
      `another program chooses them by another rule than murmur2 of the key, as Java's default is (librdkafka: ` +
      `partitioner=murmur2_random). Stop everything on this namespace, then copy it into one where all is in its place: ` +
      repartitionCommand(topic, partitions),
  );
}

export function groupOwned(group: string, owner: string): PipelineError {
  return fatalError(
    'LOG_GROUP_OWNED',
    `Group "${group}" is being run by ${owner}. This log allows one consumer a group: stop that one, take the group ` +
      `over from it (--take-over), or configure Kafka brokers, which is the way to scale a group over several consumers.`,
  );
}

export function groupFenced(group: string): PipelineError {
  return fatalError(
    'LOG_FENCED',
    `Group "${group}" was taken over by a newer owner; this one can't commit any more. Nothing of this commit was written.`,
  );
}

export function producerFenced(transactionalId: string): PipelineError {
  return fatalError(
    'LOG_FENCED',
    `Producer "${transactionalId}" was opened again elsewhere; this older one can't append any more. Nothing of this append was written.`,
  );
}

export function logClosed(): PipelineError {
  return fatalError('LOG_CLOSED', 'The log (or this producer) is closed.');
}

export function offsetInvalid(
  where: string,
  offset: number,
  committed: number | undefined,
  position: number,
): PipelineError {
  return fatalError(
    'LOG_OFFSET_INVALID',
    `A task on ${where} asked to commit offset ${offset}, outside of what it may: from ${committed ?? 'the start'} (committed) ` +
      `to ${position} (handed over). This is a bug of the task.`,
  );
}

function printableKey(key: Uint8Array | null): string {
  if (key === null) return '(none)';
  const text = new TextDecoder().decode(key.subarray(0, 64));
  return `"${text}${key.length > 64 ? '…' : ''}"`;
}
