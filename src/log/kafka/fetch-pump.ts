import { send } from './internals.ts';
import type { Broker } from './kafkajs-types.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { fetchRequest } from './wire/fetch-request.ts';

/** Most bytes of one answer, unless a single batch is larger. */
const ANSWER_BYTES = 32 * 1024 * 1024;

export interface Wanted {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** Asked for in a request of its own, without waiting for another one's answer. */
  readonly alone?: boolean;
}

export type FetchedPartition = Awaited<ReturnType<ReturnType<typeof fetchRequest>['response']['parse']>>[number];

interface Waiting extends Wanted {
  readonly settle: (fetched: FetchedPartition | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** Sends one fetch request after the other to each broker, each for all partitions that are wanted together by then. */
export class FetchPump {
  readonly #cluster: KafkaCluster;
  readonly #waitMs: number;
  readonly #waiting = new Map<number, { readonly broker: Broker; readonly wanted: Set<Waiting> }>();
  readonly #running = new Set<number>();

  /** @param waitMs how long a broker holds a request that it has nothing for */
  constructor(cluster: KafkaCluster, waitMs: number) {
    this.#cluster = cluster;
    this.#waitMs = waitMs;
  }

  /** One answer, which may be without records; undefined once `signal` is aborted. Rejects with kafkajs' errors. */
  async fetch(wanted: Wanted): Promise<FetchedPartition | undefined> {
    const broker = await this.#cluster.leaderOf(wanted.topic, wanted.partition);
    const { signal } = wanted;
    if (signal?.aborted === true) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<FetchedPartition | undefined>();
    const waiting: Waiting = { ...wanted, settle: resolve, fail: reject };
    let leave = (): void => undefined;
    if (wanted.alone === true) void this.#request(broker, [waiting]);
    else leave = this.#queue(broker, waiting);
    const onAbort = (): void => {
      leave();
      resolve(undefined);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Answers with how to leave the queue again. */
  #queue(broker: Broker, waiting: Waiting): () => void {
    const { nodeId } = broker;
    const entry = { broker, wanted: this.#waiting.get(nodeId)?.wanted ?? new Set<Waiting>() };
    this.#waiting.set(nodeId, entry);
    entry.wanted.add(waiting);
    if (!this.#running.has(nodeId)) void this.#run(nodeId);
    return () => {
      entry.wanted.delete(waiting);
    };
  }

  async #run(nodeId: number): Promise<void> {
    this.#running.add(nodeId);
    // What is wanted in the same turn goes into one request.
    await Promise.resolve();
    for (let entry = this.#waiting.get(nodeId); entry !== undefined; entry = this.#waiting.get(nodeId)) {
      // A partition that two readers want at different offsets is asked for in two requests.
      const wanted = [
        ...new Map(Array.from(entry.wanted, (each) => [`${each.topic}/${each.partition}`, each])).values(),
      ];
      for (const each of wanted) entry.wanted.delete(each);
      if (entry.wanted.size === 0) this.#waiting.delete(nodeId);
      if (wanted.length > 0) await this.#request(entry.broker, wanted);
    }
    this.#running.delete(nodeId);
  }

  async #request(broker: Broker, wanted: readonly Waiting[]): Promise<void> {
    try {
      const fetched = await send(
        broker,
        fetchRequest({
          maxWaitMs: this.#waitMs,
          minBytes: 1,
          maxBytes: ANSWER_BYTES,
          partitions: wanted.map(({ topic, partition, from, maxBytes }) => ({ topic, partition, from, maxBytes })),
        }),
      );
      const byName = new Map(fetched.map((each) => [`${each.topic}/${each.partition}`, each]));
      for (const waiting of wanted) {
        const answer = byName.get(`${waiting.topic}/${waiting.partition}`);
        if (answer !== undefined && answer.errorCode !== 0) this.#cluster.forget(waiting.topic);
        if (answer === undefined) waiting.fail(new Error(`The broker left ${waiting.topic}/${waiting.partition} out.`));
        else waiting.settle({ ...answer, records: detached(answer.records) });
      }
    } catch (error) {
      for (const { topic, fail } of wanted) {
        this.#cluster.forget(topic);
        fail(error);
      }
    }
  }
}

/**
 * Records are views into the answer, which has those of other partitions, too: a partition whose task is slow would keep
 * them all in memory. Only what is most of its answer is not copied.
 */
function detached(records: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  return records.length * 2 < records.buffer.byteLength ? Buffer.from(records) : records;
}
