import type { LogObserver } from '../observer.ts';
import type {
  GroupInfo,
  Log,
  PartitionOffset,
  ReadOptions,
  RecordBatch,
  RunOptions,
  Task,
  TopicInfo,
  TopicSpec,
  TransactionalProducer,
} from '../port.ts';
import { readPartition } from '../reading.ts';
import { RunningTasks } from '../running-tasks.ts';
import type { TopicAdmin } from '../topic-admin.ts';
import { kafkaClientOptions, type KafkaConnection } from './connection.ts';
import { runGroup } from './group-run.ts';
import { groupRunning, KafkaAdmin } from './kafka-admin.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { KafkaEngine, placeName } from './kafka-engine.ts';
import type { KafkaLogTarget } from './kafka-logging.ts';
import { KafkaTopicAdmin } from './kafka-topic-admin.ts';
import { TopicCheck } from './topic-check.ts';
import type { TransactionalSession } from './transactional-session.ts';

export interface KafkaLogOptions {
  readonly connection: KafkaConnection;
  /** What the names of all our topics and groups begin with: `topics` and `groups` answer only those. */
  readonly prefix: string;
  /** Copies of each partition of topics that are made. Default: 3, or as many as there are brokers. */
  readonly replicationFactor?: number;
  /** Silence after which a member's partitions go to others. Default 15,000. */
  readonly sessionTimeoutMs?: number;
  /** A transaction that takes longer is aborted by the cluster. Default 45,000. */
  readonly transactionTimeoutMs?: number;
  /** How long a call is tried again while the cluster is away or in change. Default 120,000. */
  readonly retryForMs?: number;
  /** What a partition that moves to another member may take to finish what is in flight. Default 10,000. */
  readonly revokeTimeoutMs?: number;
  /** Aborted when the work is to end: a cluster that is away is then waited for no longer than a few seconds. */
  readonly stop?: AbortSignal;
  readonly clock?: () => number;
  readonly observer?: LogObserver;
  /** Gets the client's own messages. */
  readonly log?: KafkaLogTarget;
}

export interface KafkaLog extends Log {
  readonly topicAdmin: TopicAdmin;
}

/**
 * A log on a Kafka cluster, through kafkajs' connections and protocol. Rejects when the cluster can't be reached within
 * `retryForMs`, and at once where credentials or certificates are at fault.
 */
export async function createKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { connection, retryForMs = 120_000 } = options;
  const openCluster = async (): Promise<KafkaCluster> => {
    // One of its own for each: kafkajs keeps state in it.
    const { brokers, clientId } = connection;
    const { ssl, sasl, logLevel, logCreator, socketFactory } = kafkaClientOptions(connection, options.log);
    const cluster = new KafkaCluster({
      client: { brokers, clientId, ssl, sasl, logLevel: logLevel ?? 0, logCreator, socketFactory },
      context: connection,
      retryForMs,
      stop: options.stop,
      onRetry: (retry) => options.observer?.retried?.(retry),
    });
    try {
      await cluster.connect();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  };
  const cluster = await openCluster();
  try {
    return new ClusterLog(options, cluster, await openCluster(), openCluster);
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class ClusterLog implements KafkaLog {
  readonly topicAdmin: TopicAdmin;
  readonly #options: KafkaLogOptions;
  readonly #cluster: KafkaCluster;
  readonly #pollCluster: KafkaCluster;
  readonly #openCluster: () => Promise<KafkaCluster>;
  readonly #engine: KafkaEngine;
  readonly #admin: KafkaAdmin;
  readonly #running = new RunningTasks();
  readonly #sessions = new Set<TransactionalSession>();
  readonly #compressions = new Map<string, 'none' | 'zstd'>();

  constructor(
    options: KafkaLogOptions,
    cluster: KafkaCluster,
    pollCluster: KafkaCluster,
    openCluster: () => Promise<KafkaCluster>,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#pollCluster = pollCluster;
    this.#openCluster = openCluster;
    const { prefix, replicationFactor, observer } = options;
    const check = new TopicCheck({ cluster, prefix, replicationFactor, observer });
    this.#admin = new KafkaAdmin({ cluster, prefix, check });
    this.#engine = new KafkaEngine({
      cluster,
      pollCluster,
      transactionTimeoutMs: options.transactionTimeoutMs ?? 45_000,
      clock: options.clock ?? Date.now,
      compressionOf: (topic) => this.#compressions.get(topic) ?? 'none',
      cleanupOf: (topics) => this.#admin.cleanupOf(topics),
      observer,
    });
    this.topicAdmin = new KafkaTopicAdmin({ cluster, engine: this.#engine, check });
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#running.check();
    for (const { name, compression = 'none' } of specs) this.#compressions.set(name, compression);
    await this.#admin.ensureTopics(specs);
  }

  async topics(): Promise<readonly TopicInfo[]> {
    this.#running.check();
    return this.#admin.topics(this.#engine);
  }

  async groups(): Promise<readonly GroupInfo[]> {
    this.#running.check();
    return this.#admin.groups(this.#engine);
  }

  async producer(transactionalId: string): Promise<TransactionalProducer> {
    this.#running.check();
    const session = await this.#engine.session(transactionalId);
    this.#sessions.add(session);
    return {
      append: (records) => {
        this.#running.check();
        return session.commit(records);
      },
      close: async () => {
        this.#sessions.delete(session);
        await session.close();
      },
    };
  }

  async run(task: Task, options: RunOptions = {}): Promise<void> {
    await this.#running.track(async (closing) => {
      const memberCluster = await this.#openCluster();
      try {
        await runGroup({
          engine: this.#engine,
          memberCluster,
          task,
          run: options,
          closing,
          sessionTimeoutMs: this.#options.sessionTimeoutMs ?? 15_000,
          revokeTimeoutMs: this.#options.revokeTimeoutMs ?? 10_000,
        });
      } finally {
        await memberCluster.close();
      }
    });
  }

  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
    options?: ReadOptions,
  ): AsyncIterable<RecordBatch> {
    this.#running.check();
    yield* readPartition(this.#engine, topic, partition, from, to, options);
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    this.#running.check();
    const { partitionInfo } = await this.#engine.describe(topic);
    const places = partitionInfo.map(({ partition }) => ({ topic, partition }));
    const found = await this.#engine.offsets(places, Math.max(0, Math.ceil(timestampMs)));
    return partitionInfo.map(({ partition, endOffset }) => ({
      partition,
      offset: found.get(placeName({ topic, partition })) ?? endOffset,
    }));
  }

  /** Through the transactional ids of the group's partitions: a frozen owner that wakes up can't undo it. */
  async resetGroup(
    group: string,
    offsets: readonly { topic: string; partition: number; offset: number }[],
  ): Promise<void> {
    this.#running.check();
    const description = await this.#admin.describeGroup(group);
    if (description !== undefined && description.members.length > 0) throw groupRunning(description);
    for (const { topic, partition, offset } of offsets) {
      const lease = await this.#engine.lease(group, { topic, partition });
      try {
        await lease.commit([], { topic, partition, offset });
      } finally {
        await lease.close();
      }
    }
  }

  /** Brokers compact by themselves. */
  compact(): Promise<void> {
    this.#running.check();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#running.closed) return;
    await this.#running.stop();
    await Promise.all(Array.from(this.#sessions, (session) => session.close()));
    await Promise.all([this.#cluster.close(), this.#pollCluster.close()]);
  }
}
