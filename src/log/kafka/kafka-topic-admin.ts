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
    const { cluster, check } = this.#options;
    const what = `changing settings of topic "${topic}"`;
    await cluster.retry(what, async () => send(await cluster.controller(), alterConfigsRequest(topic, settings)));
    const names = Object.keys(settings);
    await this.#until(what, async () => {
      const present = (await check.settingsOf([topic], names)).get(topic);
      return names.every((name) => present?.get(name) === settings[name]);
    });
  }

  async grow(topic: string, partitions: number): Promise<void> {
    const { cluster } = this.#options;
    const what = `adding partitions to topic "${topic}"`;
    const isGrown = async (): Promise<boolean> => (await cluster.countPartitions(topic)) === partitions;
    await cluster.retry(what, async () => {
      // A try whose answer was lost may have done it.
      if (await isGrown()) return;
      const request = { topicPartitions: [{ topic, count: partitions }], timeout: TIMEOUT_MS };
      await (await cluster.controller()).createPartitions(request);
    });
    await this.#until(what, isGrown);
    cluster.forgetCount(topic);
  }

  async remove(topics: readonly string[]): Promise<void> {
    const { cluster } = this.#options;
    const what = `deleting topics ${topics.join(', ')}`;
    await cluster.retry(what, async () => {
      const left = await this.#present(topics);
      if (left.length > 0) await (await cluster.controller()).deleteTopics({ topics: left, timeout: TIMEOUT_MS });
    });
    await this.#until(what, async () => (await this.#present(topics)).length === 0);
    for (const topic of topics) cluster.forgetCount(topic);
  }

  /** Brokers hear of what the controller has done a moment later. */
  async #until(what: string, isDone: () => Promise<boolean>): Promise<void> {
    await this.#options.cluster.retry(what, async () => {
      if (!(await isDone()))
        throw new PipelineError('LOG_BUSY', `The cluster is still at it: ${what}.`, { retriable: true });
    });
  }

  async #present(topics: readonly string[]): Promise<readonly string[]> {
    const { topicMetadata } = await this.#options.cluster.metadata(topics);
    return topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0).map(({ topic }) => topic);
  }
}
