import { fatalError, PipelineError } from '../../errors.ts';
import { partitionMismatch } from '../log-errors.ts';
import type { GroupInfo, GroupMember, TopicInfo, TopicSpec } from '../port.ts';
import { decodeAssignment, decodeProcess } from './group-envelopes.ts';
import type { GroupDescription } from './kafkajs-types.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { placeName, type KafkaEngine, type Place } from './kafka-engine.ts';
import type { TopicCheck } from './topic-check.ts';
import { topicSettings } from './topic-settings.ts';

const ERROR_TOPIC_NOT_AUTHORIZED = 29;
const CREATE_TIMEOUT_MS = 15_000;

export interface KafkaAdminOptions {
  readonly cluster: KafkaCluster;
  /** Only topics and groups whose names begin with this are looked at: a cluster may have many of others. */
  readonly prefix: string;
  readonly check: TopicCheck;
}

/** Topics and groups, as they are looked at and made. */
export class KafkaAdmin {
  readonly #options: KafkaAdminOptions;

  constructor(options: KafkaAdminOptions) {
    this.#options = options;
  }

  /** Makes what is missing, and checks what is there. */
  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    const { cluster } = this.#options;
    const present = await this.#partitions(specs.map(({ name }) => name));
    for (const spec of specs) check(spec, present.get(spec.name));
    await this.#options.check.check(specs.filter(({ name }) => present.has(name)));
    const missing = specs.filter(({ name }) => !present.has(name));
    if (missing.length === 0) return;
    await this.#create(missing);
    // Somebody else may have been faster, with other counts.
    for (const spec of missing) {
      await cluster.retry(`topic "${spec.name}"`, async () => {
        const partitions = (await this.#partitions([spec.name])).get(spec.name);
        if (partitions === undefined) throw notThereYet(spec.name);
        check(spec, partitions);
      });
    }
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const { cluster } = this.#options;
    const names = specs.map(({ name }) => name).join(', ');
    const replicationFactor = await this.#options.check.wantedReplicas();
    const topics = specs.map((spec) => ({
      topic: spec.name,
      numPartitions: spec.partitions,
      replicationFactor,
      configEntries: Object.entries(topicSettings(spec, replicationFactor)).map(([name, value]) => ({ name, value })),
    }));
    await cluster.retry(`creating ${names}`, async () => {
      try {
        await (await cluster.controller()).createTopics({ topics, timeout: CREATE_TIMEOUT_MS });
      } catch (error) {
        if (!isOnlyThereAlready(error)) throw error;
      }
    });
  }

  /** Partition counts of those that are there, with a leader for each partition. */
  async #partitions(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { cluster } = this.#options;
    if (names.length === 0) return new Map();
    const { topicMetadata } = await cluster.retry(`topics ${names.join(', ')}`, () => cluster.metadata(names));
    const present = new Map<string, number>();
    for (const { topic, topicErrorCode, partitionMetadata } of topicMetadata) {
      if (topicErrorCode === 0) present.set(topic, partitionMetadata.length);
      // Not one to create: this waits for the right to see it, and then says that it is missing.
      if (topicErrorCode === ERROR_TOPIC_NOT_AUTHORIZED) present.set(topic, await cluster.partitions(topic));
    }
    return present;
  }

  async topicNames(): Promise<readonly string[]> {
    const { cluster, prefix } = this.#options;
    const { topicMetadata } = await cluster.retry('listing topics', () => cluster.metadata());
    return topicMetadata
      .filter(
        ({ topic, isInternal, topicErrorCode }) => topicErrorCode === 0 && !isInternal && topic.startsWith(prefix),
      )
      .map(({ topic }) => topic)
      .sort();
  }

  async topics(engine: KafkaEngine): Promise<readonly TopicInfo[]> {
    const names = await this.topicNames();
    const counts = await Promise.all(names.map((name) => engine.cluster.partitions(name)));
    const places = names.flatMap((topic, index) =>
      Array.from({ length: counts[index] ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    const [bounds, cleanups] = await Promise.all([engine.bounds(places), this.cleanupOf(names)]);
    return names.map((name, index) => ({
      name,
      partitions: counts[index] ?? 0,
      cleanup: cleanups.get(name) ?? 'delete',
      partitionInfo: places
        .filter(({ topic }) => topic === name)
        .map((place) => ({
          partition: place.partition,
          ...(bounds.get(placeName(place)) ?? { startOffset: 0, endOffset: 0 }),
        })),
    }));
  }

  async cleanupOf(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo['cleanup']>> {
    const settings = await this.#options.check.settingsOf(names, ['cleanup.policy']);
    return new Map(
      Array.from(settings, ([name, values]) => [
        name,
        values.get('cleanup.policy')?.includes('compact') === true ? 'compact' : 'delete',
      ]),
    );
  }

  async groups(engine: KafkaEngine): Promise<readonly GroupInfo[]> {
    const { cluster, prefix } = this.#options;
    const lists = await cluster.retry('listing groups', async () =>
      Promise.all((await cluster.nodeIds()).map(async (nodeId) => (await cluster.broker(nodeId)).listGroups())),
    );
    const names = lists.flatMap(({ groups }) => groups.map(({ groupId }) => groupId));
    const ours = [...new Set(names)].filter((name) => name.startsWith(prefix)).sort();
    return Promise.all(ours.map((group) => this.#group(engine, group)));
  }

  async #group(engine: KafkaEngine, group: string): Promise<GroupInfo> {
    const [committed, description] = await Promise.all([engine.committed(group), this.describeGroup(group)]);
    return {
      group,
      committed: Array.from(committed, ([name, offset]) => ({ ...placeOf(name), offset })).sort(byPlace),
      members: (description?.members ?? []).map(memberOf),
    };
  }

  async describeGroup(group: string): Promise<GroupDescription | undefined> {
    const { groups } = await this.#options.cluster.withCoordinator(
      'group',
      group,
      `looking up the members of group "${group}"`,
      (broker) => broker.describeGroups({ groupIds: [group] }),
    );
    return groups.find(({ groupId }) => groupId === group);
  }
}

function check(spec: TopicSpec, partitions: number | undefined): void {
  if (partitions !== undefined && partitions !== spec.partitions) throw partitionMismatch(spec, partitions);
}

function notThereYet(topic: string): PipelineError {
  return new PipelineError('LOG_BUSY', `Topic "${topic}" was created and is not there yet.`, { retriable: true });
}

/** All that kafkajs complains of is that topics exist. */
function isOnlyThereAlready(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const errors: readonly unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [error];
  return errors.every((each) => each instanceof Error && 'type' in each && each.type === 'TOPIC_ALREADY_EXISTS');
}

function memberOf({
  clientId,
  clientHost,
  memberMetadata,
  memberAssignment,
}: GroupDescription['members'][number]): GroupMember {
  const who = decodeProcess(memberMetadata);
  return {
    name: `${clientId} on ${clientHost.replace(/^\//, '')}${who === undefined ? '' : `, pid ${who.pid} of ${who.host}`}`,
    assigned: [...decodeAssignment(memberAssignment)].flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
  };
}

function placeOf(name: string): Place {
  const slash = name.lastIndexOf('/');
  return { topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)) };
}

function byPlace(a: Place, b: Place): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;
}

/** A group that somebody runs can't be set back. */
export function groupRunning({ groupId, members }: GroupDescription): PipelineError {
  const names = members.map((member) => memberOf(member).name).join(', ');
  return fatalError(
    'LOG_GROUP_OWNED',
    `Group "${groupId}" is being run by ${members.length} member(s): ${names}. Stop them first.`,
  );
}
