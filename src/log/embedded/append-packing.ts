import type { OutputRecord } from '../port.ts';
import { recordBytes, routeRecord } from '../routing.ts';
import { encodeHeaders, recordSize, writeRecord } from './record-format.ts';
import type { PackedChunk, TopicRow } from './protocol.ts';

/** A row of the log holds about this much, unless one record alone is larger. */
export const CHUNK_BYTES = 1024 * 1024;

export interface PackedAppend {
  readonly buffer: ArrayBuffer;
  readonly chunks: readonly PackedChunk[];
}

/** What goes to one partition. */
interface Lane {
  readonly partitionId: number;
  bytes: number;
  /** Where the next record of it is written. */
  at: number;
  chunkStart: number;
  chunkCount: number;
}

/**
 * Packs records for one transfer to the worker: partition after partition, in chunks of about 1 MiB, the records of
 * one partition in their order. Throws LOG_TOPIC_UNKNOWN, LOG_PARTITION_MISMATCH or LOG_RECORD_TOO_LARGE before
 * anything is sent.
 */
export function packAppend(
  records: readonly OutputRecord[],
  topics: ReadonlyMap<string, TopicRow>,
  nowMs: number,
): PackedAppend {
  const lanes = new Map<number, Lane>();
  const laneOf: Lane[] = [];
  const sizes = new Uint32Array(records.length);
  const headersOf: (Uint8Array | undefined)[] = [];
  let topic: TopicRow | undefined;
  records.forEach((record, i) => {
    if (topic?.name !== record.topic) topic = topics.get(record.topic);
    recordBytes(record);
    const partition = routeRecord(record, topic?.partitions);
    const lane = laneFor(lanes, topic?.partitionIds[partition] ?? 0);
    const headers = encodeHeaders(record.headers);
    if (headers !== undefined) headersOf[i] = headers;
    const size = recordSize(record.key, record.value, headers);
    sizes[i] = size;
    lane.bytes += size;
    laneOf.push(lane);
  });
  const total = layOut(lanes);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const chunks: PackedChunk[] = [];
  records.forEach((record, i) => {
    const lane = laneOf[i];
    if (lane === undefined) return;
    if (lane.chunkCount > 0 && lane.at + (sizes[i] ?? 0) - lane.chunkStart > CHUNK_BYTES) closeChunk(lane, chunks);
    const { key, value, timestampMs = nowMs } = record;
    lane.at = writeRecord(bytes, view, lane.at, {
      delta: lane.chunkCount++,
      timestampMs,
      key,
      value,
      headers: headersOf[i],
    });
  });
  for (const lane of lanes.values()) closeChunk(lane, chunks);
  return { buffer: bytes.buffer, chunks };
}

function laneFor(lanes: Map<number, Lane>, partitionId: number): Lane {
  let lane = lanes.get(partitionId);
  if (lane === undefined) {
    lane = { partitionId, bytes: 0, at: 0, chunkStart: 0, chunkCount: 0 };
    lanes.set(partitionId, lane);
  }
  return lane;
}

function layOut(lanes: ReadonlyMap<number, Lane>): number {
  let total = 0;
  for (const lane of lanes.values()) {
    lane.at = lane.chunkStart = total;
    total += lane.bytes;
  }
  return total;
}

function closeChunk(lane: Lane, chunks: PackedChunk[]): void {
  chunks.push({ partitionId: lane.partitionId, start: lane.chunkStart, end: lane.at, count: lane.chunkCount });
  lane.chunkStart = lane.at;
  lane.chunkCount = 0;
}
