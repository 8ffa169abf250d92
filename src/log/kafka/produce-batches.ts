import type { OutputRecord } from '../port.ts';
import { recordBytes } from '../routing.ts';
import { RecordBatchWriter } from './wire/record-batch-writer.ts';

/** A batch is closed when it has this many bytes: below every broker's default limit (message.max.bytes, 1 MiB). */
const BATCH_BYTES = 900_000;
/** Of a record in a batch, beside its key, value and headers: about. */
const RECORD_OVERHEAD_BYTES = 16;

/** What goes to one partition, in order. */
export interface PartitionBatches {
  readonly topic: string;
  readonly partition: number;
  readonly parts: readonly { readonly bytes: Buffer; readonly count: number }[];
}

type FinishOptions = Parameters<RecordBatchWriter['finish']>[0];

interface BatchInfo {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
}

/**
 * Encodes records, by topic and partition, as record batches. `finishOptions` is asked once a batch, in the order in
 * which a partition's batches are to be sent.
 */
export async function batchesOf(
  routed: ReadonlyMap<string, ReadonlyMap<number, readonly OutputRecord[]>>,
  nowMs: number,
  finishOptions: (batch: BatchInfo) => FinishOptions,
): Promise<readonly PartitionBatches[]> {
  const results: PartitionBatches[] = [];
  for (const [topic, partitions] of routed) {
    for (const [partition, records] of partitions) {
      const parts = await encodePartition(records, nowMs, (count) => finishOptions({ topic, partition, count }));
      results.push({ topic, partition, parts });
    }
  }
  return results;
}

async function encodePartition(
  records: readonly OutputRecord[],
  nowMs: number,
  optionsOf: (count: number) => FinishOptions,
): Promise<PartitionBatches['parts']> {
  const parts: Promise<{ bytes: Buffer; count: number }>[] = [];
  let left = 0;
  for (const record of records) left += recordBytes(record) + RECORD_OVERHEAD_BYTES;
  const open = (): RecordBatchWriter => new RecordBatchWriter(nowMs, Math.min(left, BATCH_BYTES));
  let writer = open();
  const close = (): void => {
    const { count } = writer;
    parts.push(writer.finish(optionsOf(count)).then((bytes) => ({ bytes, count })));
    writer = open();
  };
  for (const record of records) {
    const bytes = recordBytes(record);
    if (writer.count > 0 && writer.bytes + bytes > BATCH_BYTES) close();
    writer.add(record);
    left -= bytes + RECORD_OVERHEAD_BYTES;
  }
  if (writer.count > 0) close();
  return Promise.all(parts);
}
