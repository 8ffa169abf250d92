import { fatalError, PipelineError } from '../../errors.ts';
import { topicUnknown } from '../log-errors.ts';
import { repartitionCommand } from '../topics.ts';
import { toPipelineError } from './kafka-errors.ts';
import { retryOnCluster, type CallOptions, type Patience } from './cluster-retry.ts';
import { createCluster, metadataRequest, protocolError, send } from './internals.ts';
import type { Broker, BrokerMetadata, Cluster, ClusterOptions } from './kafkajs-types.ts';

const NO_LEADER = -1;

export type { CallOptions } from './cluster-retry.ts';
export type CoordinatorType = 'group' | 'transaction';

export interface KafkaClusterOptions extends Patience {
  readonly client: Omit<ClusterOptions, 'connectionTimeout' | 'authenticationTimeout' | 'requestTimeout'>;
}

interface TopicLeaders {
  /** Node id of each partition's leader; -1 while there is none. */
  readonly leaders: readonly number[];
  readonly replicationFactor: number;
}

/**
 * Connections to a cluster, and what is needed to reach the right broker: leaders and coordinators are looked up once
 * and again after an error. All retries are here: every call is tried again, with back-off and full jitter, for
 * `retryForMs`, while its error may pass by itself; then the error surfaces as a `PipelineError`.
 *
 * A topic's partition count is fixed by its first look-up: a topic that grows while it is in use would move ids to
 * other partitions, so a changed count is an error (LOG_PARTITION_MISMATCH).
 */
export class KafkaCluster {
  readonly #options: KafkaClusterOptions;
  readonly #cluster: Cluster;
  readonly #topics = new Map<string, TopicLeaders>();
  readonly #counts = new Map<string, number>();
  readonly #coordinators = new Map<string, number>();
  #closed = false;

  constructor(options: KafkaClusterOptions) {
    this.#options = options;
    this.#cluster = createCluster({
      ...options.client,
      connectionTimeout: 5_000,
      authenticationTimeout: 10_000,
      requestTimeout: 30_000,
    });
  }

  /** Connects, with the patience of every other call. */
  async connect(options: CallOptions = {}): Promise<void> {
    await this.retry(`connecting to ${this.#options.client.brokers.join(', ')}`, () => this.#reconnect(), {
      operation: 'connect',
      ...options,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#cluster.disconnect();
  }

  async #reconnect(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.refreshMetadata();
  }

  /** Node ids of the brokers that are there. */
  async nodeIds(): Promise<readonly number[]> {
    await this.#cluster.refreshMetadata();
    return this.#cluster.getNodeIds().map(Number);
  }

  async broker(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId });
  }

  async anyBroker(): Promise<Broker> {
    return this.#cluster.brokerPool.findConnectedBroker();
  }

  /** Topics are created through this one. */
  async controller(): Promise<Broker> {
    await this.#cluster.refreshMetadata();
    return this.broker(this.#cluster.brokerPool.metadata?.controllerId ?? NO_LEADER);
  }

  /** Metadata of these topics or of all, faults of single ones left in it. One try. */
  async metadata(topics?: readonly string[]): Promise<BrokerMetadata> {
    return send(await this.anyBroker(), metadataRequest(topics));
  }

  /** undefined: there is no such topic. */
  async findPartitions(topic: string, options: CallOptions = {}): Promise<number | undefined> {
    try {
      return await this.partitions(topic, options);
    } catch (error) {
      if (error instanceof PipelineError && error.code === 'LOG_TOPIC_UNKNOWN') return undefined;
      throw error;
    }
  }

  /** Partition count. Rejects with LOG_TOPIC_UNKNOWN. */
  async partitions(topic: string, options: CallOptions = {}): Promise<number> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known.leaders.length;
    return this.retry(`topic "${topic}"`, async () => (await this.#refresh(topic)).leaders.length, options);
  }

  /** One try, for use inside of `retry`. */
  async leaderOf(topic: string, partition: number): Promise<Broker> {
    const { leaders } = this.#topics.get(topic) ?? (await this.#refresh(topic));
    const leader = leaders[partition] ?? NO_LEADER;
    if (leader === NO_LEADER) {
      this.forget(topic);
      throw protocolError(ERROR_LEADER_NOT_AVAILABLE);
    }
    try {
      return await this.broker(leader);
    } catch (error) {
      this.forget(topic);
      throw error;
    }
  }

  /** Look the leaders up again at the next call. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** The topic was changed or deleted on purpose: its next look-up counts as the first. */
  forgetCount(topic: string): void {
    this.forget(topic);
    this.#counts.delete(topic);
  }

  /** The topic's partition count now, whatever was seen before. One try. */
  async countPartitions(topic: string): Promise<number> {
    const { topicMetadata } = await this.metadata([topic]);
    return topicMetadata[0]?.partitionMetadata.length ?? 0;
  }

  async #refresh(topic: string): Promise<TopicLeaders> {
    const { topicMetadata } = await this.metadata([topic]);
    const found = topicMetadata.find((each) => each.topic === topic);
    const errorCode = found?.topicErrorCode ?? ERROR_UNKNOWN_TOPIC;
    if (errorCode === ERROR_UNKNOWN_TOPIC) throw topicUnknown(topic);
    if (found === undefined || (errorCode !== 0 && found.partitionMetadata.length === 0))
      throw protocolError(errorCode);
    const leaders: number[] = [];
    for (const { partitionId, leader } of found.partitionMetadata) leaders[partitionId] = leader;
    const first = this.#counts.get(topic) ?? leaders.length;
    if (first !== leaders.length) throw partitionsChanged(topic, first, leaders.length);
    this.#counts.set(topic, first);
    const entry = { leaders, replicationFactor: found.partitionMetadata[0]?.replicas.length ?? 1 };
    this.#topics.set(topic, entry);
    return entry;
  }

  /** Calls with the coordinator of a group or a transactional id; found anew after an error. */
  async withCoordinator<Result>(
    type: CoordinatorType,
    id: string,
    what: string,
    call: (broker: Broker) => Promise<Result>,
    options: CallOptions = {},
  ): Promise<Result> {
    const name = `${type}/${id}`;
    const attempt = async (): Promise<Result> => {
      try {
        return await call(await this.#coordinator(type, id, name));
      } catch (error) {
        this.#coordinators.delete(name);
        throw error;
      }
    };
    return this.retry(what, attempt, options);
  }

  async #coordinator(type: CoordinatorType, id: string, name: string): Promise<Broker> {
    let nodeId = this.#coordinators.get(name);
    if (nodeId === undefined) {
      const anyone = await this.anyBroker();
      const found = await anyone.findGroupCoordinator({ groupId: id, coordinatorType: type === 'group' ? 0 : 1 });
      ({ nodeId } = found.coordinator);
      this.#coordinators.set(name, nodeId);
    }
    return this.broker(nodeId);
  }

  /** An error of kafkajs in the port's terms, with what is known of the connection. */
  explain(error: unknown, where: string): PipelineError {
    return toPipelineError(error, where, this.#options.context);
  }

  /** Calls again while the error is retriable, for `retryForMs` in all. */
  async retry<Result>(what: string, call: () => Promise<Result>, options: CallOptions = {}): Promise<Result> {
    return retryOnCluster(what, call, { ...this.#options, ...options, isClosed: () => this.#closed });
  }
}

const ERROR_UNKNOWN_TOPIC = 3;
const ERROR_LEADER_NOT_AVAILABLE = 5;

export function partitionsChanged(topic: string, before: number, now: number): PipelineError {
  return fatalError(
    'LOG_PARTITION_MISMATCH',
    `Topic "${topic}" had ${before} partition(s) and has ${now} now: ids would move to other partitions, away from their ` +
      `state. Stop everything on this namespace, then copy it into one with ${now} partitions: ` +
      repartitionCommand(topic, now),
  );
}
