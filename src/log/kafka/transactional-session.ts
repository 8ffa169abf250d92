import { fatalError, type PipelineError } from '../../errors.ts';
import { logClosed } from '../log-errors.ts';
import type { AppendedRange, OutputRecord } from '../port.ts';
import { recordBytes, routeRecord } from '../routing.ts';
import type { Broker } from './kafkajs-types.ts';
import type { CallOptions, KafkaCluster } from './kafka-cluster.ts';
import { toPipelineError } from './kafka-errors.ts';
import { batchesOf, type PartitionBatches } from './produce-batches.ts';
import { sendBatches } from './send-batches.ts';

export interface SessionOptions {
  readonly cluster: KafkaCluster;
  readonly transactionalId: string;
  /** The coordinator aborts a transaction that takes longer. Milliseconds. */
  readonly timeoutMs: number;
  readonly clock: () => number;
  /** How a topic's records are sent. */
  readonly compressionOf: (topic: string) => 'none' | 'zstd';
  readonly signal?: AbortSignal;
}

/** The offset that a group commits with a transaction. */
export interface GroupOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * One transactional id: opening it fences whoever had it before and ends what that one left open. After any error of a
 * transaction the session is of no more use: what reached the log is unknown to it, and is aborted by `close` or by
 * whoever opens the id next.
 */
export class TransactionalSession {
  readonly #options: SessionOptions;
  readonly #identity: { readonly transactionalId: string; readonly producerId: string; readonly producerEpoch: number };
  /** Next sequence number by topic and partition. */
  readonly #sequences = new Map<string, number>();
  #broken: PipelineError | undefined;
  #isOpen = false;
  #closed = false;

  static async open(options: SessionOptions): Promise<TransactionalSession> {
    const { cluster, transactionalId, timeoutMs, signal } = options;
    const { producerId, producerEpoch } = await cluster.withCoordinator(
      'transaction',
      transactionalId,
      `opening the transactional id "${transactionalId}"`,
      (broker) => broker.initProducerId({ transactionalId, transactionTimeout: timeoutMs }),
      { signal },
    );
    return new TransactionalSession(options, { transactionalId, producerId, producerEpoch });
  }

  private constructor(
    options: SessionOptions,
    identity: { readonly transactionalId: string; readonly producerId: string; readonly producerEpoch: number },
  ) {
    this.#options = options;
    this.#identity = identity;
  }

  /** All of the records and the offset, or nothing; durable when it resolves. */
  async commit(records: readonly OutputRecord[], offset?: GroupOffset): Promise<readonly AppendedRange[]> {
    if (this.#closed) throw logClosed();
    if (this.#broken !== undefined) throw this.#broken;
    // All that can be refused without having written anything comes before the transaction.
    const routed = await this.#route(records);
    if (routed.size === 0 && offset === undefined) return [];
    const startMs = this.#options.clock();
    try {
      const batches = await batchesOf(routed, this.#options.clock(), (entry) => this.#finish(entry));
      await this.#begin(batches, offset);
      const [ranges] = await Promise.all([
        sendBatches(this.#options.cluster, this.#options.transactionalId, batches, this.#call),
        offset && this.#sendOffset(offset),
      ]);
      await this.#end(true);
      return ranges;
    } catch (cause) {
      const error = this.#orTooLate(toPipelineError(cause, this.#where), startMs);
      this.#broken = error;
      await this.#abort();
      throw error;
    }
  }

  /** Ends what is open. A session that is fenced or whose cluster is away is closed all the same. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#abort();
  }

  /** A transaction whose time was up is ended by the brokers, who then answer as if another producer had taken over. */
  #orTooLate(error: PipelineError, startMs: number): PipelineError {
    const { transactionalId, timeoutMs, clock } = this.#options;
    const tookMs = clock() - startMs;
    if (error.code !== 'LOG_FENCED' || tookMs < timeoutMs) return error;
    return fatalError(
      'LOG_FENCED',
      `The transaction of "${transactionalId}" took ${Math.round(tookMs / 1000)} s and was ended by the brokers, which ` +
        `give it ${timeoutMs / 1000} s: the process stood still, or the cluster is slow. Nothing of it counts. Start the ` +
        'command again, which goes on behind what is committed; if it happens again, raise --transaction-timeout.',
      error,
    );
  }

  get #where(): string {
    return `transaction of "${this.#options.transactionalId}"`;
  }

  get #call(): CallOptions {
    return { signal: this.#options.signal };
  }

  async #route(records: readonly OutputRecord[]): Promise<Map<string, Map<number, OutputRecord[]>>> {
    const routed = new Map<string, Map<number, OutputRecord[]>>();
    const counts = new Map<string, number | undefined>();
    for (const record of records) {
      recordBytes(record);
      if (!counts.has(record.topic))
        counts.set(record.topic, await this.#options.cluster.findPartitions(record.topic, this.#call));
      const partition = routeRecord(record, counts.get(record.topic));
      let partitions = routed.get(record.topic);
      if (partitions === undefined) routed.set(record.topic, (partitions = new Map<number, OutputRecord[]>()));
      const list = partitions.get(partition);
      if (list === undefined) partitions.set(partition, [record]);
      else list.push(record);
    }
    return routed;
  }

  #finish({ topic, partition, count }: { topic: string; partition: number; count: number }) {
    const name = `${topic}/${partition}`;
    const baseSequence = this.#sequences.get(name) ?? 0;
    // Sequence numbers are 31 bits and go round.
    this.#sequences.set(name, (baseSequence + count) % 2 ** 31);
    return {
      producerId: BigInt(this.#identity.producerId),
      producerEpoch: this.#identity.producerEpoch,
      baseSequence,
      transactional: true,
      compression: this.#options.compressionOf(topic),
    };
  }

  async #begin(batches: readonly PartitionBatches[], offset: GroupOffset | undefined): Promise<void> {
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of batches) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    if (topics.size > 0)
      await this.#coordinate(
        (broker) =>
          broker.addPartitionsToTxn({
            ...this.#identity,
            topics: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })),
          }),
        // The answer that gets here does not say which of them is at fault.
        `${this.#where}, to ${[...topics.keys()].join(', ')}`,
      );
    this.#isOpen = topics.size > 0;
    if (offset === undefined) return;
    await this.#coordinate((broker) => broker.addOffsetsToTxn({ ...this.#identity, groupId: offset.group }));
    this.#isOpen = true;
  }

  async #sendOffset({ group, topic, partition, offset }: GroupOffset): Promise<void> {
    const partitions = [{ partition, offset: String(offset), metadata: null }];
    await this.#options.cluster.withCoordinator(
      'group',
      group,
      `committing offset ${offset} of ${topic}/${partition} for group "${group}"`,
      (broker) => broker.txnOffsetCommit({ ...this.#identity, groupId: group, topics: [{ topic, partitions }] }),
      { ...this.#call, operation: 'commit' },
    );
  }

  async #end(commit: boolean): Promise<void> {
    if (!this.#isOpen) return;
    await this.#coordinate((broker) => broker.endTxn({ ...this.#identity, transactionResult: commit }));
    this.#isOpen = false;
  }

  /** Whoever opens the id next does it too, and the coordinator after the timeout: one try is enough. */
  async #abort(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { cluster, transactionalId } = this.#options;
    await cluster
      .withCoordinator(
        'transaction',
        transactionalId,
        this.#where,
        (broker) => broker.endTxn({ ...this.#identity, transactionResult: false }),
        { retryForMs: 0 },
      )
      .catch(() => undefined);
  }

  async #coordinate(call: (broker: Broker) => Promise<unknown>, where = this.#where): Promise<void> {
    const { cluster, transactionalId } = this.#options;
    await cluster.withCoordinator('transaction', transactionalId, where, call, {
      ...this.#call,
      operation: 'commit',
    });
  }
}
