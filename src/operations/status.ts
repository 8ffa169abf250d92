import { setTimeout as wait } from 'node:timers/promises';
import type { GroupInfo, GroupMember, Log, TopicInfo } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';
import { sampleLetters, type LetterSample } from './dead-letters/sample-letters.ts';
import { progressOf, totalLag, type PartitionProgress } from './group-progress.ts';

export interface PartitionStatus extends PartitionProgress {
  /** Committed a second since the look before this one; left out in the first look. */
  readonly recordsPerSecond?: number;
}

/** A group in one of the topics that it reads. */
export interface GroupStatus {
  readonly group: string;
  /** Left out: nobody has been given anything of it yet. */
  readonly topic?: string;
  readonly lag: number;
  readonly recordsPerSecond?: number;
  readonly partitions: readonly PartitionStatus[];
  readonly members: readonly GroupMember[];
}

export interface TopicStatus {
  readonly topic: string;
  readonly partitions: number;
  readonly cleanup: string;
  /** Offsets in use; compaction and transactions leave gaps, so it is at least the number of records. */
  readonly records: number;
}

export interface DeadLetterStatus extends Omit<LetterSample, 'isAll'> {
  /** Also those that are settled. Where not all were looked at: the offsets in use, of which Kafka also takes one a transaction. */
  readonly total: number;
}

export interface Status {
  readonly topics: readonly TopicStatus[];
  readonly groups: readonly GroupStatus[];
  readonly deadLetters: DeadLetterStatus;
}

export interface StatusOptions {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly namespace: string;
  readonly signal?: AbortSignal;
  /** Milliseconds from any beginning. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

const OUR_NAMES = /^(?:records$|dead-letters$|(?:embeddings|ledger|imports|shards|processor|sink)\.)/;

/** Two looks where a group has members, `intervalMs` apart, for their rates; one where nobody is at work. */
export async function readStatus(options: StatusOptions, intervalMs: number): Promise<Status> {
  const watch = new StatusWatch(options);
  const first = await watch.look();
  if (first.groups.every(({ members }) => members.length === 0)) return first;
  await wait(intervalMs, undefined, { signal: options.signal });
  return watch.look();
}

/** Looks at a log again and again; rates are those between two looks. */
export class StatusWatch {
  readonly #options: StatusOptions;
  readonly #nowMs: () => number;
  #before: { readonly atMs: number; readonly groups: readonly GroupInfo[] } | undefined;
  #sample: { readonly ends: string; readonly letters: LetterSample } | undefined;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  async look(): Promise<Status> {
    const { log, namespace, topics: names } = this.#options;
    // A namespace may be the beginning of another one: museum, museum.eu.
    const isOurs = (name: string): boolean =>
      name.startsWith(`${namespace}.`) && OUR_NAMES.test(name.slice(namespace.length + 1));
    const groups = (await log.groups()).filter(({ group }) => isOurs(group));
    const atMs = this.#nowMs();
    const topics = (await log.topics()).filter(({ name }) => isOurs(name));
    const statuses = groups.flatMap((group) => this.#groupStatus(group, topics, atMs));
    this.#before = { atMs, groups };
    const deadLetters = await this.#deadLetters(topics.find(({ name }) => name === names.deadLetters));
    return { topics: topics.map(topicStatus), groups: statuses, deadLetters };
  }

  /** One status an input topic of the group. */
  #groupStatus(info: GroupInfo, topics: readonly TopicInfo[], atMs: number): GroupStatus[] {
    const { group, members, committed } = info;
    const assigned = members.flatMap((member) => member.assigned);
    const names = [...new Set([...committed, ...assigned].map(({ topic }) => topic))];
    if (names.length === 0) return members.length === 0 ? [] : [{ group, lag: 0, partitions: [], members }];
    return names.map((name) => {
      const topic = topics.find((each) => each.name === name);
      const partitions = this.#withRates(info, progressOf(info, topic), topic, atMs);
      const rates = partitions.flatMap(({ recordsPerSecond }) => recordsPerSecond ?? []);
      const lag = totalLag(partitions);
      return { group, topic: name, lag, ...totalRate(rates, partitions.length), partitions, members };
    });
  }

  /** Nobody at work: 0, however long ago the last look was. */
  #withRates(
    { group, members }: GroupInfo,
    partitions: readonly PartitionProgress[],
    topic: TopicInfo | undefined,
    atMs: number,
  ): PartitionStatus[] {
    if (members.length === 0) return partitions.map((each) => ({ ...each, recordsPerSecond: 0 }));
    const before = this.#before;
    if (before === undefined) return [...partitions];
    const earlier = progressOf(
      before.groups.find((each) => each.group === group),
      topic,
    );
    const seconds = Math.max(1e-3, (atMs - before.atMs) / 1000);
    return partitions.map((each) => {
      const moved = each.committed - (earlier[each.partition]?.committed ?? each.committed);
      // A group may be set back.
      return { ...each, recordsPerSecond: Math.max(0, moved) / seconds };
    });
  }

  /** Read again only when letters came. */
  async #deadLetters(topic: TopicInfo | undefined): Promise<DeadLetterStatus> {
    const ends = JSON.stringify(topic?.partitionInfo ?? []);
    if (this.#sample?.ends !== ends) this.#sample = { ends, letters: await sampleLetters(this.#options) };
    const { isAll, ...letters } = this.#sample.letters;
    return { total: topic === undefined || isAll ? letters.sampled : topicStatus(topic).records, ...letters };
  }
}

function totalRate(rates: readonly number[], partitions: number): Pick<GroupStatus, 'recordsPerSecond'> {
  return rates.length < partitions ? {} : { recordsPerSecond: rates.reduce((total, rate) => total + rate, 0) };
}

function topicStatus({ name, partitions, cleanup, partitionInfo }: TopicInfo): TopicStatus {
  const records = partitionInfo.reduce((total, { startOffset, endOffset }) => total + endOffset - startOffset, 0);
  return { topic: name, partitions, cleanup, records };
}
