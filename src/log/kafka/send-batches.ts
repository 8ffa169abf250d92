import type { AppendedRange } from '../port.ts';
import { release } from '../../record/release.ts';
import { protocolError, send } from './internals.ts';
import type { Broker } from './kafkajs-types.ts';
import type { CallOptions, KafkaCluster } from './kafka-cluster.ts';
import type { PartitionBatches } from './produce-batches.ts';
import { produceRequest } from './wire/produce-request.ts';

/** Most bytes of one produce request, unless a single batch is larger. */
const REQUEST_BYTES = 4 * 1024 * 1024;
const PRODUCE_TIMEOUT_MS = 30_000;

interface Sending {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly count: number;
  /** Grows by what was written. */
  readonly range: { topic: string; partition: number; firstOffset: number; lastOffset: number };
}

/**
 * Writes encoded batches, acknowledged by all in-sync replicas; what was written is empty afterwards. A partition's
 * batches go one after the other; a batch that met a passing fault is sent again as the same bytes, which the broker knows
 * by their sequence number.
 */
export async function sendBatches(
  cluster: KafkaCluster,
  transactionalId: string,
  batches: readonly PartitionBatches[],
  options: CallOptions,
): Promise<readonly AppendedRange[]> {
  const ranges = batches.map(({ topic, partition }) => ({ topic, partition, firstOffset: -1, lastOffset: -1 }));
  const rounds = Math.max(0, ...batches.map(({ parts }) => parts.length));
  for (let round = 0; round < rounds; round++) {
    const pending = new Set<Sending>();
    batches.forEach(({ topic, partition, parts }, index) => {
      const part = parts[round];
      const range = ranges[index];
      if (part !== undefined && range !== undefined) pending.add({ topic, partition, ...part, range });
    });
    while (pending.size > 0)
      await cluster.retry(`appending for "${transactionalId}"`, () => sendSome(cluster, transactionalId, pending), {
        operation: 'append',
        ...options,
      });
  }
  return ranges;
}

/** One request to each leader, of as much as is pending for it and fits; what was written is pending no more. */
async function sendSome(cluster: KafkaCluster, transactionalId: string, pending: Set<Sending>): Promise<void> {
  const loads = new Map<Broker, { readonly sendings: Sending[]; bytes: number }>();
  for (const sending of pending) {
    const leader = await cluster.leaderOf(sending.topic, sending.partition);
    const load = loads.get(leader) ?? { sendings: [], bytes: 0 };
    if (load.bytes > 0 && load.bytes + sending.bytes.length > REQUEST_BYTES) continue;
    load.sendings.push(sending);
    load.bytes += sending.bytes.length;
    loads.set(leader, load);
  }
  const outcomes = await Promise.allSettled(
    Array.from(loads, ([broker, { sendings }]) => sendTo(cluster, transactionalId, broker, sendings, pending)),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function sendTo(
  cluster: KafkaCluster,
  transactionalId: string,
  broker: Broker,
  sendings: readonly Sending[],
  pending: Set<Sending>,
): Promise<void> {
  const topics = Map.groupBy(sendings, ({ topic }) => topic);
  const request = produceRequest({
    transactionalId,
    timeoutMs: PRODUCE_TIMEOUT_MS,
    topics: Array.from(topics, ([topic, list]) => ({
      topic,
      partitions: list.map(({ partition, bytes }) => ({ partition, batch: bytes })),
    })),
  });
  let failure: Error | undefined;
  try {
    for (const { topic, partition, errorCode, baseOffset } of await send(broker, request)) {
      const sending = sendings.find((each) => each.topic === topic && each.partition === partition);
      if (sending === undefined) continue;
      if (errorCode === 0) {
        pending.delete(sending);
        // Answered, so all of it was sent; before that the system may still read it.
        release(sending.bytes);
        if (sending.range.firstOffset < 0) sending.range.firstOffset = baseOffset;
        sending.range.lastOffset = baseOffset + sending.count - 1;
      } else {
        failure ??= cluster.explain(protocolError(errorCode), `appending to ${topic}/${partition}`);
      }
    }
  } catch (error) {
    failure = cluster.explain(error, `appending to ${sendings.map(({ topic }) => topic).join(', ')}`);
  }
  if (failure === undefined) return;
  for (const topic of topics.keys()) cluster.forget(topic);
  throw failure;
}
