/** What we use of kafkajs' own modules, which come without types. */
import type { Connection } from './connection-repairs.ts';
import type { ProtocolRequest } from './protocol-request.ts';

export interface PartitionResult {
  readonly partition: number;
  readonly errorCode: number;
  /** Decimal. */
  readonly offset: string;
}

export interface TopicResults {
  readonly topic: string;
  readonly partitions: readonly PartitionResult[];
}

export interface BrokerMetadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly isInternal: boolean;
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number;
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
    }[];
  }[];
}

interface TransactionIdentity {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly clientHost: string;
    readonly memberMetadata: Buffer;
    readonly memberAssignment: Buffer;
  }[];
}

/** What we use of kafkajs' Broker. Every method sends one request and rejects with kafkajs' errors. */
export interface Broker {
  readonly nodeId: number;
  readonly brokerAddress: string;
  readonly connectionPool: {
    readonly pool: readonly Connection[];
    send(request: ProtocolRequest<unknown>): Promise<unknown>;
  };
  metadata: (topics?: readonly string[]) => Promise<BrokerMetadata>;
  disconnect: () => Promise<void>;
  findGroupCoordinator(request: {
    groupId: string;
    coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;
  listOffsets(request: {
    replicaId: number;
    isolationLevel: number;
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
  }): Promise<{ readonly responses: readonly TopicResults[] }>;
  createTopics(request: {
    topics: readonly {
      topic: string;
      numPartitions: number;
      replicationFactor: number;
      configEntries: readonly { name: string; value: string }[];
    }[];
    validateOnly?: boolean;
    timeout?: number;
  }): Promise<unknown>;
  deleteTopics(request: { topics: readonly string[]; timeout?: number }): Promise<unknown>;
  createPartitions(request: {
    topicPartitions: readonly { topic: string; count: number }[];
    timeout?: number;
  }): Promise<unknown>;
  describeConfigs(request: {
    resources: readonly { type: number; name: string; configNames?: readonly string[] }[];
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string;
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string | null }[];
    }[];
  }>;
  initProducerId(request: {
    transactionalId: string;
    transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(
    request: TransactionIdentity & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>;
  addOffsetsToTxn(request: TransactionIdentity & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: TransactionIdentity & {
      groupId: string;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; offset: string; metadata: string | null }[];
      }[];
    },
  ): Promise<unknown>;
  endTxn(request: TransactionIdentity & { transactionResult: boolean }): Promise<unknown>;
  listGroups(): Promise<{ readonly groups: readonly { readonly groupId: string; readonly protocolType: string }[] }>;
  describeGroups(request: { groupIds: readonly string[] }): Promise<{ readonly groups: readonly GroupDescription[] }>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    protocolType: string;
    groupProtocols: readonly { name: string; metadata: Buffer }[];
  }): Promise<{
    readonly generationId: number;
    readonly leaderId: string;
    readonly memberId: string;
    readonly groupProtocol: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

/** What we use of kafkajs' Cluster. */
export interface Cluster {
  readonly brokerPool: {
    createBroker: (options: object) => Broker;
    findConnectedBroker(): Promise<Broker>;
    readonly metadata: BrokerMetadata | null;
  };
  connect(): Promise<void>;
  disconnect: () => Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(request: { nodeId: number | string }): Promise<Broker>;
  getNodeIds(): readonly string[];
}

export interface ClusterOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: unknown;
  readonly sasl?: unknown;
  readonly connectionTimeout: number;
  readonly authenticationTimeout: number;
  readonly requestTimeout: number;
  readonly logLevel: number;
  readonly logCreator: unknown;
  readonly socketFactory: unknown;
}
