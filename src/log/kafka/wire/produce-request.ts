import type { ProtocolRequest } from '../protocol-request.ts';
import { newDecoder, newEncoder } from './kafkajs-codec.ts';

const PRODUCE = 0;
/** The first that may carry zstd (KIP-110). */
const VERSION = 7;
const ALL_IN_SYNC = -1;
/** What an answer may take longer than the broker was told to wait for its replicas. */
const ANSWER_MS = 10_000;

export interface ProduceOptions {
  readonly transactionalId: string | null;
  /** How long the broker waits for the replicas. */
  readonly timeoutMs: number;
  readonly topics: readonly {
    readonly topic: string;
    /** One finished record batch a partition (`RecordBatchWriter`). */
    readonly partitions: readonly { readonly partition: number; readonly batch: Buffer }[];
  }[];
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's; 0 is none. */
  readonly errorCode: number;
  /** Offset of the batch's first record; -1 with an error. */
  readonly baseOffset: number;
}

interface Decoded {
  /** kafkajs holds the connection's next request back for so long (KIP-219). */
  readonly clientSideThrottleTime: number;
  readonly partitions: readonly ProducedPartition[];
}

/** Produce v7, acknowledged by all in-sync replicas. Each partition has an outcome of its own. */
export function produceRequest(options: ProduceOptions): ProtocolRequest<readonly ProducedPartition[]> {
  return {
    request: {
      apiKey: PRODUCE,
      apiVersion: VERSION,
      apiName: 'Produce',
      encode: () => Promise.reject(new Error('a produce request is sent in parts')),
      parts: () => partsOf(options),
    },
    response: {
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: ({ partitions }: Decoded) => Promise.resolve(partitions),
    },
    requestTimeout: options.timeoutMs + ANSWER_MS,
  };
}

/** The batches as they are, and between them what describes them. */
function partsOf({ transactionalId, timeoutMs, topics }: ProduceOptions): readonly Buffer[] {
  const parts: Buffer[] = [];
  let encoder = newEncoder();
  encoder.writeString(transactionalId).writeInt16(ALL_IN_SYNC).writeInt32(timeoutMs).writeInt32(topics.length);
  for (const { topic, partitions } of topics) {
    encoder.writeString(topic).writeInt32(partitions.length);
    for (const { partition, batch } of partitions) {
      encoder.writeInt32(partition).writeInt32(batch.length);
      parts.push(encoder.buffer, batch);
      encoder = newEncoder();
    }
  }
  parts.push(encoder.buffer);
  return parts;
}

function decode(payload: Buffer): Decoded {
  const decoder = newDecoder(payload);
  const partitions = decoder.readArray(() => {
    const topic = decoder.readString();
    return decoder.readArray(() => {
      const partition = decoder.readInt32();
      const errorCode = decoder.readInt16();
      const baseOffset = Number(decoder.readInt64());
      decoder.readInt64(); // the time of the append, where the topic is stamped with it
      decoder.readInt64(); // the partition's first offset
      return { topic, partition, errorCode, baseOffset };
    });
  });
  return { partitions: partitions.flat(), clientSideThrottleTime: decoder.readInt32() };
}
