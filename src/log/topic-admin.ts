import type { TopicSpec } from './port.ts';

/** A setting of a topic that is not as it should be. */
export interface TopicDifference {
  /** By Kafka's name; `replication.factor` is none of a topic's settings, but looks like one here. */
  readonly setting: string;
  readonly value: string | null;
  readonly wanted: string;
  /** Records would be lost: no command works on such a topic. Otherwise it does no harm yet. */
  readonly isHarmful: boolean;
  /** `alter` can mend it. */
  readonly canAlter: boolean;
}

/** A topic as it is. */
export interface TopicCondition {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** It has or had records. */
  readonly isWritten: boolean;
  /** Settings in force that matter here, by Kafka's names: https://kafka.apache.org/documentation/#topicconfigs */
  readonly settings: Readonly<Record<string, string | null>>;
  readonly differences: readonly TopicDifference[];
}

/**
 * What can be seen and done about topics on logs whose server keeps settings of them. Used by one command that a person
 * runs; calls don't overlap. Errors are those of the log.
 */
export interface TopicAdmin {
  /** Of topics that are there, compared with what they should be. */
  conditions(specs: readonly TopicSpec[]): Promise<readonly TopicCondition[]>;
  /** Sets these settings and leaves all others; resolves when they are in force. */
  alter(topic: string, settings: Readonly<Record<string, string>>): Promise<void>;
  /** Adds partitions to a topic without records: ids of records that are there would be elsewhere afterwards. */
  grow(topic: string, partitions: number): Promise<void>;
  /** Deletes topics with all that is in them; resolves when they are gone. */
  remove(topics: readonly string[]): Promise<void>;
}

/** `max.message.bytes is 1048588, not 10485760` */
export function differenceText({ setting, value, wanted }: TopicDifference): string {
  return `${setting} is ${value ?? 'not set'}, not ${wanted}`;
}
