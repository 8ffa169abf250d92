import { keyMisplaced } from './log-errors.ts';
import { partitionOf } from './partitioner.ts';
import type { LogRecord } from './port.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Of the whole topic. */
  readonly partitions: number;
}

/**
 * Throws LOG_PARTITION_MISMATCH at the first key that is not in the partition where murmur2 puts it: after partitions
 * were added to all topics of a namespace, their number alone does not show it any more. Records without a key may be
 * anywhere.
 */
export function checkPlaces(records: readonly LogRecord[], place: TopicPartition): void {
  const { partition, partitions } = place;
  if (partitions === 1) return;
  for (const { key, offset } of records)
    if (key !== null && partitionOf(key, partitions) !== partition) throw keyMisplaced(key, place, offset);
}
