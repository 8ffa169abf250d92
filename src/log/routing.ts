import { partitionUnknown, recordTooLarge, topicUnknown } from './log-errors.ts';
import { partitionOf } from './partitioner.ts';
import { MAX_RECORD_BYTES, type OutputRecord } from './port.ts';

/** Bytes that count against `MAX_RECORD_BYTES`: key, value, and names and values of headers. */
export function recordBytes(record: OutputRecord): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers !== undefined) {
    for (const [name, value] of Object.entries(record.headers)) bytes += Buffer.byteLength(name) + value.length;
  }
  if (bytes > MAX_RECORD_BYTES) throw recordTooLarge(record.topic, record.key, bytes);
  return bytes;
}

/** The partition a record goes to. Throws LOG_TOPIC_UNKNOWN (`partitions` undefined) or LOG_PARTITION_MISMATCH. */
export function routeRecord(record: OutputRecord, partitions: number | undefined): number {
  if (partitions === undefined) throw topicUnknown(record.topic);
  const { partition } = record;
  if (partition === undefined) return partitionOf(record.key, partitions);
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
    throw partitionUnknown(record.topic, partition, partitions);
  }
  return partition;
}
