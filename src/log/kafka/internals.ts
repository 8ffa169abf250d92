import { createRequire } from 'node:module';
import { fatalError } from '../../errors.ts';
import type { Broker, BrokerMetadata, Cluster, ClusterOptions, TopicResults } from './kafkajs-types.ts';
import type { Encoder, ProtocolRequest } from './protocol-request.ts';
import { endConnection, repairConnection } from './connection-repairs.ts';
import { repairRequestQueue } from './repairs.ts';

/**
 * The one door to kafkajs. We take its connections, TLS, SASL and protocol requests, which its public interface does
 * not give without its consumer and producer; so this opens its own modules, of exactly one version.
 */

const KAFKAJS_VERSION = '2.2.4';

const kafkajs = createRequire(import.meta.url);

/** Throws unless this is the version whose modules we know. */
export function checkKafkajsVersion(version: string): void {
  if (version === KAFKAJS_VERSION) return;
  throw fatalError(
    'LOG_CLIENT_VERSION',
    `kafkajs is ${version}; this version of embedstream works with ${KAFKAJS_VERSION} only, whose inner modules it uses ` +
      `and repairs. Install what the lockfile says: npm ci.`,
  );
}

interface Modules {
  readonly Cluster: new (options: object) => Cluster;
  readonly Encoder: new () => Encoder;
  readonly createLogger: (options: object) => unknown;
  readonly metadataResponse: { decode: (payload: Buffer) => Promise<unknown> };
  readonly offsetFetchResponse: { decode: (payload: Buffer) => Promise<unknown> };
  readonly createErrorFromCode: (code: number) => Error & { type: string };
}

let loaded: Modules | undefined;

function modules(): Modules {
  if (loaded !== undefined) return loaded;
  checkKafkajsVersion((kafkajs('kafkajs/package.json') as { version: string }).version);
  repairRequestQueue(kafkajs('kafkajs/src/network/requestQueue') as Parameters<typeof repairRequestQueue>[0]);
  repairConnection(kafkajs('kafkajs/src/network/connection') as Parameters<typeof repairConnection>[0], lostConnection);
  loaded = {
    Cluster: kafkajs('kafkajs/src/cluster') as Modules['Cluster'],
    Encoder: kafkajs('kafkajs/src/protocol/encoder') as Modules['Encoder'],
    createLogger: (kafkajs('kafkajs/src/loggers') as Pick<Modules, 'createLogger'>).createLogger,
    metadataResponse: kafkajs('kafkajs/src/protocol/requests/metadata/v6/response') as Modules['metadataResponse'],
    offsetFetchResponse: kafkajs(
      'kafkajs/src/protocol/requests/offsetFetch/v4/response',
    ) as Modules['offsetFetchResponse'],
    createErrorFromCode: (kafkajs('kafkajs/src/protocol/error') as Pick<Modules, 'createErrorFromCode'>)
      .createErrorFromCode,
  };
  return loaded;
}

/** The error of a response's error code, with kafkajs' `type`. */
export function protocolError(errorCode: number): Error & { type: string } {
  return modules().createErrorFromCode(errorCode);
}

/** A cluster that retries nothing by itself: who calls knows for how long, and which errors are final. */
export function createCluster({ logLevel, logCreator, ...options }: ClusterOptions): Cluster {
  const { Cluster, createLogger } = modules();
  const cluster = new Cluster({
    ...options,
    logger: createLogger({ level: logLevel, logCreator }),
    retry: { retries: 0, initialRetryTime: 20, maxRetryTime: 100 },
    enforceRequestTimeout: true,
    metadataMaxAge: 0,
    allowAutoTopicCreation: false,
  });
  const { createBroker } = cluster.brokerPool;
  // kafkajs makes new ones while a cluster is away, and forgets them.
  const brokers = new Set<WeakRef<Broker>>();
  cluster.brokerPool.createBroker = (brokerOptions) => {
    const broker = createBroker(brokerOptions);
    // kafkajs asks for the metadata of all topics where none are named, and rejects when any of them has a fault.
    broker.metadata = () => send(broker, metadataRequest([]));
    // kafkajs has every request of a lost connection do this, which would end the connection that another one makes.
    broker.disconnect = () => Promise.resolve();
    for (const each of brokers) if (each.deref() === undefined) brokers.delete(each);
    brokers.add(new WeakRef(broker));
    return broker;
  };
  cluster.disconnect = async () => {
    const connections = Array.from(brokers, (each) => each.deref()?.connectionPool.pool ?? []).flat();
    await Promise.all(connections.map((connection) => endConnection(connection, lostConnection)));
  };
  return cluster;
}

function lostConnection(message: string, broker: string): Error {
  const { KafkaJSConnectionError } = kafkajs('kafkajs/src/errors') as {
    KafkaJSConnectionError: new (message: string, context: { broker: string }) => Error;
  };
  return new KafkaJSConnectionError(message, { broker });
}

/** Sends one request of our own. */
export async function send<Result>(broker: Broker, request: ProtocolRequest<Result>): Promise<Result> {
  return (await broker.connectionPool.send(request)) as Result;
}

/** Metadata v6 of these topics, or of all (undefined). Faults of topics and partitions stay in the answer. */
export function metadataRequest(topics: readonly string[] | undefined): ProtocolRequest<BrokerMetadata> {
  const { Encoder, metadataResponse } = modules();
  return {
    request: {
      apiKey: 3,
      apiVersion: 6,
      apiName: 'Metadata',
      encode: () => {
        const encoder = new Encoder();
        if (topics === undefined) encoder.writeNullableArray([]);
        else encoder.writeArray(topics);
        return Promise.resolve(encoder.writeBoolean(false));
      },
    },
    response: { decode: metadataResponse.decode, parse: (decoded) => Promise.resolve(decoded as BrokerMetadata) },
  };
}

export interface OffsetFetchResult {
  readonly errorCode: number;
  readonly responses: readonly TopicResults[];
}

/** OffsetFetch v4: all that a group has committed. */
export function offsetFetchRequest(group: string): ProtocolRequest<OffsetFetchResult> {
  const { Encoder, offsetFetchResponse } = modules();
  return {
    request: {
      apiKey: 9,
      apiVersion: 4,
      apiName: 'OffsetFetch',
      encode: () => Promise.resolve(new Encoder().writeString(group).writeNullableArray([])),
    },
    response: { decode: offsetFetchResponse.decode, parse: (decoded) => Promise.resolve(decoded as OffsetFetchResult) },
  };
}
