import type { PartitionOffset } from '../port.ts';
import type { BatchStore } from './batch-store.ts';
import { DELTA_AT, SIZE_AT, TIMESTAMP_AT } from './record-format.ts';
import type { TopicStore } from './topic-store.ts';

export interface OffsetSearch {
  readonly topics: Pick<TopicStore, 'partitionIds'>;
  readonly batches: Pick<BatchStore, 'endOffset' | 'next'>;
  readonly topic: string;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/**
 * For each partition the first record of this time or later; its end where there is none. A scan: writers set
 * timestamps as they like, so that nothing is known of a batch that was not looked at. `turn` is awaited between
 * batches and lets others go first.
 */
export async function offsetsAt(search: OffsetSearch, turn: () => Promise<void>): Promise<readonly PartitionOffset[]> {
  const ids = search.topics.partitionIds(search.topic);
  const offsets: PartitionOffset[] = [];
  for (const [partition, id] of ids.entries())
    offsets.push({ partition, offset: await offsetInPartition(search, id, turn) });
  return offsets;
}

async function offsetInPartition(
  { batches, timestampMs }: OffsetSearch,
  partitionId: number,
  turn: () => Promise<void>,
): Promise<number> {
  const endOffset = batches.endOffset(partitionId);
  for (let from = 0; from < endOffset;) {
    const batch = batches.next(partitionId, from);
    if (batch === undefined) break;
    const found = offsetInBatch(batch, timestampMs);
    if (found !== undefined) return found;
    from = batch.lastOffset + 1;
    await turn();
  }
  return endOffset;
}

function offsetInBatch(
  { baseOffset, data }: { readonly baseOffset: number; readonly data: Uint8Array<ArrayBuffer> },
  timestampMs: number,
): number | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at < data.length; at += view.getUint32(at + SIZE_AT, true))
    if (view.getFloat64(at + TIMESTAMP_AT, true) >= timestampMs)
      return baseOffset + view.getUint32(at + DELTA_AT, true);
  return undefined;
}
