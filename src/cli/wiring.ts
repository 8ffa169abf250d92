import { resolve } from 'node:path';
import { createCodec } from '../codec/create-codec.ts';
import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/port.ts';
import { commonPartitions } from '../log/partition-counts.ts';
import type { TopicAdmin } from '../log/topic-admin.ts';
import { topicNames, topicSegment, type TopicNames } from '../log/topics.ts';
import { Instruments } from '../operations/observed/instruments.ts';
import { silentLogger } from '../telemetry/log.ts';
import type { OpenRegistry } from '../registry/open-registry.ts';
import type { GlobalOptions } from './command.ts';
import { modelEnvironment } from './hosted-options.ts';
import { readKafkaConnection, type KafkaOptions } from './kafka-connection.ts';

/** One writer and one reader a group: more would only cost (ADR 6). */
const EMBEDDED_PARTITIONS = 1;
/** As many processors as that can share the work. */
const KAFKA_PARTITIONS = 6;

/** What every command works on: the log and what is needed to read and write it. */
export interface Workspace {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly namespace: string;
  /** Left out where the log keeps no settings of topics. */
  readonly topicAdmin?: TopicAdmin | undefined;
  /** A second process of a group is refused, instead of sharing the work. */
  readonly oneConsumerAGroup: boolean;
  /** Partitions of topics that nobody has given a number for. */
  readonly defaultPartitions: number;
  /** Milliseconds since the epoch; stands still when SOURCE_DATE_EPOCH is set, for outputs that are reproducible. */
  readonly clock: () => number;
  /** What watches the work; `log` is watched already. */
  readonly instruments: Instruments;
  /** Where servers that run models are. */
  readonly modelEnvironment: Readonly<Record<string, string | undefined>>;
  close(): Promise<void>;
}

type LogOptions = KafkaOptions &
  Pick<
    GlobalOptions,
    'dataDir' | 'namespace' | 'schemaRegistry' | 'replicationFactor' | 'sessionTimeout' | 'transactionTimeout'
  >;

export interface WorkspaceOptions extends LogOptions {
  /** Of a server that runs models; left out: as the environment says. */
  readonly baseUrl?: string;
  /** Left out: nobody watches. */
  readonly instruments?: Instruments;
  /** Aborted when the command is to stop. */
  readonly stop?: AbortSignal;
}

/** For `withWorkspace`, by every command: says what is waited for, and stops the waiting when it is to stop. */
export function watched<Options>({
  options,
  instruments,
  signal,
}: {
  readonly options: Options;
  readonly instruments: Instruments;
  readonly signal: AbortSignal;
}): Options & Required<Pick<WorkspaceOptions, 'instruments' | 'stop'>> {
  return { ...options, instruments, stop: signal };
}

export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const clock = clockOf(process.env['SOURCE_DATE_EPOCH']);
  const { namespace, instruments = new Instruments({ logger: silentLogger }) } = options;
  const registry = await openSchemaRegistry(options, process.env, instruments);
  const { log: bare, ...abilities } = await openLog(options, instruments, clock);
  const log = instruments.observeLog(registry?.wrap(bare) ?? bare);
  return {
    log,
    instruments,
    modelEnvironment: modelEnvironment(options),
    codec: registry?.codec ?? createCodec(),
    topics: topicNames(namespace),
    namespace,
    ...abilities,
    clock,
    close: () => log.close(),
  };
}

/** On a Kafka cluster where brokers are given, otherwise the embedded one. */
async function openLog(
  options: WorkspaceOptions,
  { logObserver: observer, logger }: Instruments,
  clock: () => number,
): Promise<Pick<Workspace, 'log' | 'topicAdmin' | 'oneConsumerAGroup' | 'defaultPartitions'>> {
  const connection = await readKafkaConnection(options, process.env, (message) => {
    logger.warn(message);
  });
  if (connection === undefined) {
    const log = await createEmbeddedLog({ dataDir: resolve(options.dataDir), clock, observer });
    return { log, oneConsumerAGroup: true, defaultPartitions: EMBEDDED_PARTITIONS };
  }
  // Its client takes 100 ms to load.
  const { createKafkaLog } = await import('../log/kafka/kafka-log.ts');
  const { namespace, replicationFactor, sessionTimeout, transactionTimeout } = options;
  const log = await createKafkaLog({
    connection,
    prefix: `${topicSegment(namespace)}.`,
    ...(replicationFactor !== undefined && { replicationFactor }),
    sessionTimeoutMs: sessionTimeout * 1000,
    transactionTimeoutMs: transactionTimeout * 1000,
    ...(options.stop !== undefined && { stop: options.stop }),
    clock,
    observer,
    log: logger,
  });
  return { log, topicAdmin: log.topicAdmin, oneConsumerAGroup: false, defaultPartitions: KAFKA_PARTITIONS };
}

async function openSchemaRegistry(
  { schemaRegistry: url, namespace }: LogOptions,
  environment: Readonly<Record<string, string | undefined>>,
  { logger }: Instruments,
): Promise<OpenRegistry | undefined> {
  if (url === undefined) return undefined;
  const { SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password } = environment;
  // Its client takes as long again.
  const { openRegistry } = await import('../registry/open-registry.ts');
  return openRegistry({
    url,
    namespace: topicSegment(namespace),
    retry: {
      onRetry: ({ error }) => {
        logger.warn(error.message);
      },
    },
    ...(username !== undefined && username !== '' && { username }),
    ...(password !== undefined && password !== '' && { password }),
  });
}

/** Opens, runs and closes, whatever happens. */
export async function withWorkspace<Result>(
  options: WorkspaceOptions,
  body: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  const workspace = await openWorkspace(options);
  try {
    return await body(workspace);
  } finally {
    await workspace.close();
  }
}

/**
 * Partitions of a pipeline's topics, which all have the same number; `wanted` when there is none of them yet. Throws
 * LOG_PARTITION_MISMATCH where they differ.
 */
export async function partitionCount(
  { log, namespace, defaultPartitions }: Pick<Workspace, 'log' | 'namespace' | 'defaultPartitions'>,
  wanted = defaultPartitions,
): Promise<number> {
  return commonPartitions(await log.topics(), namespace) ?? wanted;
}

function clockOf(sourceDateEpoch: string | undefined): () => number {
  if (sourceDateEpoch === undefined || sourceDateEpoch === '') return Date.now;
  const seconds = Number(sourceDateEpoch);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new UsageError(`SOURCE_DATE_EPOCH is "${sourceDateEpoch}": it must be whole seconds since 1970.`);
  return () => seconds * 1000;
}
