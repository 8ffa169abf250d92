import { protocolError } from '../internals.ts';
import type { Encoder, ProtocolRequest } from '../protocol-request.ts';
import type { AbortedTransaction } from './aborted-transactions.ts';
import { newDecoder, newEncoder, type WireDecoder } from './kafkajs-codec.ts';

const FETCH = 1;
const VERSION = 11;
const CONSUMER = -1;
const READ_COMMITTED = 1;
const NO_SESSION = 0;
const NO_EPOCH = -1;
const UNKNOWN_OFFSET = -1;
/** What an answer may take longer than the broker was told to wait. */
const ANSWER_MS = 30_000;
/** About what the request itself, a topic or a partition in it takes. */
const FIXED_BYTES = 64;

export interface FetchOptions {
  /** How long the broker may wait for `minBytes`. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** Of the whole answer. The first batch of the first partition that has one is sent whole whatever its size. */
  readonly maxBytes: number;
  /** The broker fills the answer in this order. */
  readonly partitions: readonly WantedPartition[];
}

export interface WantedPartition {
  readonly topic: string;
  readonly partition: number;
  /** First wanted offset. */
  readonly from: number;
  readonly maxBytes: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's; 0 is none. With one, offsets are -1 and there are no records. */
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Records from here on belong to transactions that are still open, or come after such a record. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches, the last of which may be cut off; see `RecordSet`. A view into the answer. */
  readonly records: Buffer<ArrayBuffer>;
}

interface Decoded {
  /** kafkajs holds the connection's next request back for so long (KIP-219). */
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Fetch v11: committed records of partitions that one broker leads, without a session. */
export function fetchRequest(options: FetchOptions): ProtocolRequest<readonly FetchedPartition[]> {
  return {
    request: { apiKey: FETCH, apiVersion: VERSION, apiName: 'Fetch', encode: () => Promise.resolve(encode(options)) },
    response: {
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: ({ errorCode, partitions }: Decoded) =>
        errorCode === 0 ? Promise.resolve(partitions) : Promise.reject(protocolError(errorCode)),
    },
    requestTimeout: options.maxWaitMs + ANSWER_MS,
  };
}

function encode({ maxWaitMs, minBytes, maxBytes, partitions }: FetchOptions): Encoder {
  const runs = topicRuns(partitions);
  const encoder = newEncoder(FIXED_BYTES * (1 + runs.length + partitions.length));
  encoder
    .writeInt32(CONSUMER)
    .writeInt32(maxWaitMs)
    .writeInt32(minBytes)
    .writeInt32(maxBytes)
    .writeInt8(READ_COMMITTED)
    .writeInt32(NO_SESSION)
    .writeInt32(NO_EPOCH)
    .writeInt32(runs.length);
  for (const { topic, wanted } of runs) {
    encoder.writeString(topic).writeInt32(wanted.length);
    for (const { partition, from, maxBytes: partitionBytes } of wanted)
      encoder
        .writeInt32(partition)
        .writeInt32(NO_EPOCH)
        .writeInt64(from)
        .writeInt64(UNKNOWN_OFFSET)
        .writeInt32(partitionBytes);
  }
  // No forgotten topics, which only sessions have, and no rack.
  encoder.writeInt32(0).writeString('');
  return encoder;
}

/** One entry for neighbours of one topic, so that the order stays. */
function topicRuns(
  partitions: readonly WantedPartition[],
): readonly { readonly topic: string; readonly wanted: readonly WantedPartition[] }[] {
  const runs: { topic: string; wanted: WantedPartition[] }[] = [];
  for (const each of partitions) {
    const last = runs.at(-1);
    if (last?.topic === each.topic) last.wanted.push(each);
    else runs.push({ topic: each.topic, wanted: [each] });
  }
  return runs;
}

function decode(payload: Buffer): Decoded {
  const decoder = newDecoder(payload);
  const clientSideThrottleTime = decoder.readInt32();
  const errorCode = decoder.readInt16();
  decoder.readInt32(); // the session
  const partitions = decoder.readArray(() => {
    const topic = decoder.readString();
    return decoder.readArray(() => decodePartition(decoder, topic));
  });
  return { clientSideThrottleTime, errorCode, partitions: partitions.flat() };
}

function decodePartition(decoder: WireDecoder, topic: string): FetchedPartition {
  const partition = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const highWatermark = Number(decoder.readInt64());
  const lastStableOffset = Number(decoder.readInt64());
  const logStartOffset = Number(decoder.readInt64());
  const aborted = decoder.readArray(() => ({
    producerId: decoder.readInt64(),
    firstOffset: Number(decoder.readInt64()),
  }));
  decoder.readInt32(); // a replica nearer to our rack, which we don't name
  const records = decoder.readBytes() ?? Buffer.alloc(0);
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, records };
}
