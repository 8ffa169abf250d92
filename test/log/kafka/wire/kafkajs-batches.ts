import { createRequire } from 'node:module';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BatchRecord } from '../../../../src/log/kafka/wire/record-batch-writer.ts';

/** Record batches by another hand: kafkajs' own encoder and decoder. */

const require = createRequire(import.meta.url);

interface KafkajsEncoder {
  readonly buffer: Buffer;
  writeInt32(value: number): KafkajsEncoder;
  writeVarLong(value: number): KafkajsEncoder;
  writeVarInt(value: number): KafkajsEncoder;
  writeBytes(bytes: Buffer): KafkajsEncoder;
}

export interface KafkajsMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly isControlRecord: boolean;
}

export const KafkajsEncoder = require('kafkajs/src/protocol/encoder') as new () => KafkajsEncoder;
export const KafkajsDecoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => {
  readVarLong(): { toString(): string };
  readVarInt(): number;
};
export const kafkajsCrc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (options: object) => Promise<KafkajsEncoder>;
};
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (options: object) => KafkajsEncoder;
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<KafkajsMessage[]>;
const { Codecs } = require('kafkajs/src/protocol/message/compression') as { Codecs: Record<number, () => object> };

const CODEC_NUMBERS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };
export type Codec = keyof typeof CODEC_NUMBERS;

Codecs[CODEC_NUMBERS.zstd] = () => ({
  compress: (encoder: KafkajsEncoder) => Promise.resolve(zstdCompressSync(encoder.buffer)),
  decompress: (bytes: Buffer) => Promise.resolve(zstdDecompressSync(bytes)),
});
// Whether the bytes really are of these codecs does not matter: they are refused.
for (const codec of [CODEC_NUMBERS.snappy, CODEC_NUMBERS.lz4])
  Codecs[codec] = () => ({ compress: (encoder: KafkajsEncoder) => Promise.resolve(encoder.buffer) });

/** A record at its place in the batch; compaction leaves gaps. */
export type PlacedRecord = BatchRecord & { readonly offsetDelta?: number };

export interface BatchOptions {
  readonly baseOffset?: number;
  readonly records: readonly PlacedRecord[];
  /** Left out: that of the last record. */
  readonly lastOffsetDelta?: number;
  readonly baseTimestampMs?: number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly leaderEpoch?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  /** The broker stamps the batch with this time, and leaves the records as they are. */
  readonly appendTimeMs?: number;
  readonly codec?: Codec;
}

export async function kafkajsBatch(options: BatchOptions): Promise<Buffer> {
  const { records, baseTimestampMs = records[0]?.timestampMs ?? 0 } = options;
  const placed = records.map((record, i) => ({ ...record, offsetDelta: record.offsetDelta ?? i }));
  const encoder = await RecordBatch({
    compression: CODEC_NUMBERS[options.codec ?? 'none'],
    firstOffset: BigInt(options.baseOffset ?? 0),
    firstTimestamp: BigInt(baseTimestampMs),
    maxTimestamp: BigInt(options.appendTimeMs ?? latestMs(records)),
    partitionLeaderEpoch: options.leaderEpoch ?? 3,
    lastOffsetDelta: options.lastOffsetDelta ?? placed.at(-1)?.offsetDelta ?? 0,
    transactional: options.transactional ?? false,
    producerId: options.producerId ?? -1n,
    producerEpoch: options.producerEpoch ?? 0,
    firstSequence: options.baseSequence ?? 0,
    records: placed.map(({ key, value, headers = {}, timestampMs = 0, offsetDelta }) =>
      Record({
        offsetDelta,
        timestampDelta: timestampMs - baseTimestampMs,
        key: key && Buffer.from(key),
        value: value && Buffer.from(value),
        headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes)])),
      }),
    ),
  });
  const batch = Buffer.from(encoder.buffer);
  const flags = (options.appendTimeMs === undefined ? 0 : 0x08) | (options.control === true ? 0x20 : 0);
  batch.writeInt16BE(batch.readInt16BE(21) | flags, 21);
  return withChecksum(batch);
}

/** Of no records 0; that of a record may be -1. */
function latestMs(records: readonly PlacedRecord[]): number {
  return records.length === 0 ? 0 : Math.max(...records.map(({ timestampMs = 0 }) => timestampMs));
}

/** The marker that ends a producer's transaction. */
export function marker(baseOffset: number, producerId: bigint, type: 'abort' | 'commit'): Promise<Buffer> {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return kafkajsBatch({
    baseOffset,
    producerId,
    transactional: true,
    control: true,
    records: [{ key, value: Buffer.alloc(6) }],
  });
}

/** After a change to the batch's bytes. */
export function withChecksum(batch: Buffer): Buffer {
  batch.writeInt32BE(kafkajsCrc32c(batch.subarray(21)) | 0, 17);
  return batch;
}

/** As kafkajs' consumer decodes the record set of a fetch response. */
export function kafkajsMessages(set: Buffer): Promise<KafkajsMessage[]> {
  const sized = new KafkajsEncoder().writeBytes(set).buffer;
  return decodeMessages(new KafkajsDecoder(sized));
}
