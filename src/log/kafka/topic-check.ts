import { fatalError, type PipelineError } from '../../errors.ts';
import type { LogObserver } from '../observer.ts';
import type { TopicSpec } from '../port.ts';
import { differenceText, type TopicDifference } from '../topic-admin.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { CHECKED_SETTINGS, defaultReplicationFactor, topicDifferences, type PresentTopic } from './topic-settings.ts';

const TOPIC_RESOURCE = 2;

export interface TopicCheckOptions {
  readonly cluster: KafkaCluster;
  /** Copies that were asked for. */
  readonly replicationFactor: number | undefined;
  readonly prefix: string;
  readonly observer?: LogObserver | undefined;
}

/** Whether topics that are there are set up as they would be if they were made now. */
export class TopicCheck {
  readonly #options: TopicCheckOptions;
  readonly #checked = new Set<string>();

  constructor(options: TopicCheckOptions) {
    this.#options = options;
  }

  /** Each topic once. Throws LOG_TOPIC_SETTINGS where records would be lost; the observer hears of the rest. */
  async check(specs: readonly TopicSpec[]): Promise<void> {
    const unchecked = specs.filter(({ name }) => !this.#checked.has(name));
    const present = await this.present(unchecked.map(({ name }) => name));
    const wantedReplicas = await this.wantedReplicas();
    const texts: string[] = [];
    for (const spec of unchecked) {
      const topic = present.get(spec.name);
      if (topic === undefined) continue;
      const differences = topicDifferences(spec, topic, wantedReplicas);
      const harmful = differences.find(({ isHarmful }) => isHarmful);
      if (harmful !== undefined) throw topicLosesRecords(spec, harmful, this.#options.prefix);
      if (differences.length > 0) texts.push(`${spec.name}: ${differences.map(differenceText).join(', ')}`);
      this.#checked.add(spec.name);
    }
    if (texts.length > 0) this.#options.observer?.topicsDiffer?.(texts);
  }

  /** Copies that a topic would get. */
  async wantedReplicas(): Promise<number> {
    const { cluster, replicationFactor } = this.#options;
    if (replicationFactor !== undefined) return replicationFactor;
    const brokers = await cluster.retry('looking up the brokers', () => cluster.nodeIds());
    return defaultReplicationFactor(brokers.length);
  }

  /** Of those that are there. */
  async present(
    names: readonly string[],
  ): Promise<ReadonlyMap<string, PresentTopic & { readonly partitions: number }>> {
    if (names.length === 0) return new Map();
    const { cluster } = this.#options;
    const { topicMetadata } = await cluster.retry(`topics ${names.join(', ')}`, () => cluster.metadata(names));
    const there = topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0);
    const settings = await this.settingsOf(
      there.map(({ topic }) => topic),
      CHECKED_SETTINGS,
    );
    return new Map(
      there.map(({ topic, partitionMetadata }) => [
        topic,
        {
          partitions: partitionMetadata.length,
          replicationFactor: Math.min(...partitionMetadata.map(({ replicas }) => replicas.length)),
          settings: settings.get(topic) ?? new Map<string, string | null>(),
        },
      ]),
    );
  }

  /** Settings as they are in force, by topic. */
  async settingsOf(
    names: readonly string[],
    settings: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
    if (names.length === 0) return new Map();
    const { cluster } = this.#options;
    const { resources } = await cluster.retry('looking up the settings of topics', async () =>
      (await cluster.anyBroker()).describeConfigs({
        resources: names.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: settings })),
      }),
    );
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  }
}

function topicLosesRecords(
  spec: TopicSpec,
  { setting, value, wanted }: TopicDifference,
  prefix: string,
): PipelineError {
  const loss =
    spec.cleanup === 'compact'
      ? 'records would be deleted for their age or the size of the topic, and embeddings and ledgers with them'
      : 'all but the latest record of a key would be deleted';
  return fatalError(
    'LOG_TOPIC_SETTINGS',
    `Topic "${spec.name}" has ${setting}=${value ?? ''} in place of ${wanted}: ${loss}. Set it right: ` +
      `embedstream topics apply --namespace=${prefix.replace(/\.$/, '')}`,
  );
}
