import type { FetchedRecords, FetchRequest, LogEngine } from '../engine.ts';
import { partitionMismatch, topicUnknown } from '../log-errors.ts';
import type { LogObserver } from '../observer.ts';
import type { OutputRecord, TopicInfo } from '../port.ts';
import { offsetFetchRequest, protocolError, send } from './internals.ts';
import type { Broker } from './kafkajs-types.ts';
import type { CallOptions, KafkaCluster } from './kafka-cluster.ts';
import { KafkaFetcher, type PartitionBounds } from './kafka-fetcher.ts';
import { TransactionalSession } from './transactional-session.ts';

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;
/** A cluster looks for transactions whose time is up every 10 s. */
const OPEN_TRANSACTION_GRACE_MS = 15_000;

export interface KafkaEngineOptions {
  readonly cluster: KafkaCluster;
  /** Connections for requests that a broker holds for a while. */
  readonly pollCluster: KafkaCluster;
  readonly transactionTimeoutMs: number;
  readonly clock: () => number;
  readonly compressionOf: (topic: string) => 'none' | 'zstd';
  readonly cleanupOf: (topics: readonly string[]) => Promise<ReadonlyMap<string, TopicInfo['cleanup']>>;
  readonly observer?: LogObserver | undefined;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** The right to commit for one partition of a group, until somebody else opens it. */
export interface PartitionLease {
  /** undefined: the group never committed here. */
  readonly committed: number | undefined;
  commit(outputs: readonly OutputRecord[], input: Place & { readonly offset?: number }): Promise<void>;
  close(): Promise<void>;
}

export function placeName({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

/** What tasks and readers need of a cluster. */
export class KafkaEngine implements Pick<LogEngine, 'describe' | 'fetch' | 'observer'> {
  readonly observer: LogObserver | undefined;
  readonly cluster: KafkaCluster;
  readonly #options: KafkaEngineOptions;
  readonly #fetcher: KafkaFetcher;

  constructor(options: KafkaEngineOptions) {
    this.#options = options;
    this.observer = options.observer;
    this.cluster = options.cluster;
    this.#fetcher = new KafkaFetcher({
      cluster: options.cluster,
      pollCluster: options.pollCluster,
      bounds: async (topic, partition) => boundsOf(await this.bounds([{ topic, partition }]), { topic, partition }),
      openTransactionMs: options.transactionTimeoutMs + OPEN_TRANSACTION_GRACE_MS,
      onWait: (retry) => options.observer?.retried?.(retry),
    });
  }

  /**
   * The end of a partition is its high watermark: it includes all that was acknowledged, also where the marker of its
   * transaction is still on its way.
   */
  async describe(topic: string): Promise<TopicInfo> {
    const partitions = await this.cluster.partitions(topic);
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const [bounds, cleanups] = await Promise.all([this.bounds(places), this.#options.cleanupOf([topic])]);
    const partitionInfo = places.map((place) => ({ partition: place.partition, ...boundsOf(bounds, place) }));
    return { name: topic, partitions, cleanup: cleanups.get(topic) ?? 'delete', partitionInfo };
  }

  fetch(request: FetchRequest): Promise<FetchedRecords> {
    return this.#fetcher.fetch(request);
  }

  async bounds(places: readonly Place[]): Promise<ReadonlyMap<string, PartitionBounds>> {
    const [starts, ends] = await Promise.all([this.offsets(places, EARLIEST), this.offsets(places, LATEST)]);
    return new Map(
      places.map((place) => {
        const name = placeName(place);
        return [name, { startOffset: starts.get(name) ?? 0, endOffset: ends.get(name) ?? 0 }];
      }),
    );
  }

  /** Offset of the first record of this time or later, by place; none where there is no such record. */
  async offsets(places: readonly Place[], timestamp: number): Promise<ReadonlyMap<string, number>> {
    const topics = [...new Set(places.map(({ topic }) => topic))];
    return this.cluster.retry(`looking up offsets of ${topics.join(', ')}`, async () => {
      const byLeader = new Map<Broker, Place[]>();
      for (const place of places) {
        const leader = await this.cluster.leaderOf(place.topic, place.partition);
        const list = byLeader.get(leader);
        if (list === undefined) byLeader.set(leader, [place]);
        else list.push(place);
      }
      const found = new Map<string, number>();
      const answers = Array.from(byLeader, async ([leader, list]) => {
        for (const { topic, partitions } of (await leader.listOffsets(offsetsRequest(list, timestamp))).responses)
          for (const { partition, offset } of partitions)
            if (Number(offset) >= 0) found.set(placeName({ topic, partition }), Number(offset));
      });
      await Promise.all(answers).catch((error: unknown) => {
        for (const topic of topics) this.cluster.forget(topic);
        throw error;
      });
      return found;
    });
  }

  /** What a group has committed, by place. */
  async committed(group: string, options: CallOptions = {}): Promise<ReadonlyMap<string, number>> {
    const { responses } = await this.cluster.withCoordinator(
      'group',
      group,
      `looking up the offsets of group "${group}"`,
      async (broker) => {
        const answer = await send(broker, offsetFetchRequest(group));
        const errorCode =
          answer.errorCode ||
          (answer.responses.flatMap((t) => t.partitions).find((p) => p.errorCode !== 0)?.errorCode ?? 0);
        if (errorCode !== 0) throw protocolError(errorCode);
        return answer;
      },
      options,
    );
    const committed = new Map<string, number>();
    for (const { topic, partitions } of responses)
      for (const { partition, offset } of partitions)
        if (Number(offset) >= 0) committed.set(placeName({ topic, partition }), Number(offset));
    return committed;
  }

  async session(transactionalId: string, signal?: AbortSignal): Promise<TransactionalSession> {
    const { cluster, transactionTimeoutMs, clock, compressionOf } = this.#options;
    return TransactionalSession.open({
      cluster,
      transactionalId,
      timeoutMs: transactionTimeoutMs,
      clock,
      compressionOf,
      ...(signal !== undefined && { signal }),
    });
  }

  /**
   * Opening fences the older owner and ends its transaction; only what is committed then is where reading goes on: an
   * offset looked up before might be overtaken by the older owner's last commit.
   */
  async lease(group: string, place: Place, signal?: AbortSignal): Promise<PartitionLease> {
    const session = await this.session(`${group}-${place.topic}-${place.partition}`, signal);
    const committed = (await this.committed(group, { signal })).get(placeName(place));
    return {
      committed,
      commit: async (outputs, { topic, partition, offset }) => {
        await session.commit(outputs, offset === undefined ? undefined : { group, topic, partition, offset });
      },
      close: () => session.close(),
    };
  }

  /** Partition count of a task's inputs. Rejects with LOG_TOPIC_UNKNOWN, or LOG_PARTITION_MISMATCH where they differ. */
  async commonPartitions(topics: readonly string[]): Promise<number> {
    const [first = '', ...others] = topics;
    const partitions = await this.cluster.partitions(first);
    for (const name of others) {
      const present = await this.cluster.partitions(name);
      if (present !== partitions) throw partitionMismatch({ name, partitions, cleanup: 'compact' }, present);
    }
    return partitions;
  }
}

function offsetsRequest(places: readonly Place[], timestamp: number): Parameters<Broker['listOffsets']>[0] {
  const byTopic = Map.groupBy(places, ({ topic }) => topic);
  const topics = Array.from(byTopic, ([topic, list]) => ({
    topic,
    partitions: list.map(({ partition }) => ({ partition, timestamp })),
  }));
  return { replicaId: -1, isolationLevel: READ_UNCOMMITTED, topics };
}

function boundsOf(bounds: ReadonlyMap<string, PartitionBounds>, place: Place): PartitionBounds {
  const found = bounds.get(placeName(place));
  if (found === undefined) throw topicUnknown(place.topic);
  return found;
}
