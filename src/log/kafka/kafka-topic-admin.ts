import { PipelineError } from '../../errors.ts';
import type { TopicSpec } from '../port.ts';
import type { TopicAdmin, TopicCondition } from '../topic-admin.ts';
import { send } from './internals.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { KafkaEngine } from './kafka-engine.ts';
import type { TopicCheck } from './topic-check.ts';
import { topicDifferences } from './topic-settings.ts';
import { alterConfigsRequest } from './wire/alter-configs-request.ts';

const TIMEOUT_MS = 15_000;

export interface KafkaTopicAdminOptions {
  readonly cluster: KafkaCluster;
  readonly engine: KafkaEngine;
  readonly check: TopicCheck;
}

export class KafkaTopicAdmin implements TopicAdmin {
  readonly #options: KafkaTopicAdminOptions;

  constructor(options: KafkaTopicAdminOptions) {
    this.#options = options;
  }

  async conditions(specs: readonly TopicSpec[]): Promise<readonly TopicCondition[]> {
    const { check } = this.#options;
    const present = await check.present(specs.map(({ name }) => name));
    const wantedReplicas = await check.wantedReplicas();
    const conditions: TopicCondition[] = [];
    for (const spec of specs) {
      const topic = present.get(spec.name);
      if (topic === undefined) continue;
      const { partitions, replicationFactor, settings } = topic;
      conditions.push({
        name: spec.name,
        partitions,
        replicationFactor,
        isWritten: await this.#isWritten(spec.name, partitions),
        settings: Object.fromEntries(settings),
        differences: topicDifferences(spec, topic, wantedReplicas),
      });
    }
    return conditions;
  }

  async #isWritten(topic: string, partitions: number): Promise<boolean> {
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const bounds = await this.#options.engine.bounds(places);
    return Array.from(bounds.values()).some(({ endOffset }) => endOffset > 0);
  }

  async alter(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const { cluster } = this.#options;
    await cluster.retry(`changing settings of topic "${topic}"`, async () =>
      send(await cluster.controller(), alterConfigsRequest(topic, settings)),
    );
  }

  async grow(topic: string, partitions: number): Promise<void> {
    const { cluster } = this.#options;
    await cluster.retry(`adding partitions to topic "${topic}"`, async () => {
      // A try whose answer was lost may have done it.
      if ((await cluster.countPartitions(topic)) === partitions) return;
      const request = { topicPartitions: [{ topic, count: partitions }], timeout: TIMEOUT_MS };
      await (await cluster.controller()).createPartitions(request);
    });
    cluster.forgetCount(topic);
  }

  async remove(topics: readonly string[]): Promise<void> {
    const { cluster } = this.#options;
    await cluster.retry(`deleting topics ${topics.join(', ')}`, async () => {
      const left = await this.#present(topics);
      if (left.length > 0) await (await cluster.controller()).deleteTopics({ topics: left, timeout: TIMEOUT_MS });
    });
    await cluster.retry(`deleting topics ${topics.join(', ')}`, async () => {
      const [left] = await this.#present(topics);
      if (left !== undefined)
        throw new PipelineError('LOG_BUSY', `Topic "${left}" was deleted and is still there.`, { retriable: true });
    });
    for (const topic of topics) cluster.forgetCount(topic);
  }

  async #present(topics: readonly string[]): Promise<readonly string[]> {
    const { topicMetadata } = await this.#options.cluster.metadata(topics);
    return topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0).map(({ topic }) => topic);
  }
}
