import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { createKafkaLog, type KafkaLogOptions } from '../../../src/log/kafka/kafka-log.ts';
import type { Log, LogRecord, PartitionContext, Progress, RunOptions, Task } from '../../../src/log/port.ts';
import { textOf, upTo } from '../../contracts/log/tasks.ts';
import { kafkaBrokers } from '../../services/index.ts';

/** The shortest that a broker allows, if nothing else is said. */
export const SESSION_TIMEOUT_MS = 6_000;

export type HandleOptions = Partial<Omit<KafkaLogOptions, 'connection' | 'prefix'>>;

/** A namespace of one test file on a cluster; every handle stands for a process of its own. */
export class GroupPlace {
  readonly brokers: readonly string[];
  readonly prefix = `t${randomBytes(6).toString('hex')}.`;
  readonly #handles: Log[] = [];

  constructor(brokers: readonly string[]) {
    this.brokers = brokers;
  }

  async open(options: HandleOptions = {}): Promise<Log> {
    const log = await openHandle(this.brokers, this.prefix, options);
    this.#handles.push(log);
    return log;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#handles.splice(0).map((log) => log.close()));
  }

  /** A topic of this name behind the prefix. */
  async topic(log: Log, name: string, partitions: number): Promise<string> {
    const topic = `${this.prefix}${name}`;
    await log.ensureTopics([{ name: topic, partitions, cleanup: 'delete' }]);
    return topic;
  }
}

interface OnTopics {
  readonly place: GroupPlace;
  readonly log: Log;
  readonly from: string;
  readonly to: string;
}

/** For each test a place of its own, with a topic to read and one to write. */
export function beforeEachOnTopics(partitions: number, onMade: (made: OnTopics) => void): void {
  let place: GroupPlace | undefined;
  beforeEach(async () => {
    place = new GroupPlace(await kafkaBrokers());
    const log = await place.open();
    const [from, to] = await Promise.all([place.topic(log, 'in', partitions), place.topic(log, 'out', partitions)]);
    onMade({ place, log, from, to });
  });
  afterEach(async () => {
    await place?.dispose();
  });
}

export function openHandle(brokers: readonly string[], prefix: string, options: HandleOptions = {}): Promise<Log> {
  return createKafkaLog({
    connection: { brokers, clientId: `pid ${process.pid}` },
    prefix,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    transactionTimeoutMs: 10_000,
    ...options,
  });
}

export interface MemberScript {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly run?: RunOptions;
  readonly handle?: HandleOptions;
  /** Before a batch is copied. */
  readonly during?: (records: readonly LogRecord[], context: PartitionContext) => Promise<void> | void;
}

/** A member of a group in this process: it copies, partition by partition, and keeps what happened. */
export class Member {
  /** `open 3`, `process 3`, `committed 3`, `close 3 revoked`. */
  readonly events: string[] = [];
  readonly held = new Set<number>();
  readonly processed: string[] = [];
  readonly log: Log;
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  readonly #changed = new Set<() => void>();

  static async join(place: GroupPlace, script: MemberScript): Promise<Member> {
    return new Member(await place.open(script.handle), script);
  }

  constructor(log: Log, script: MemberScript) {
    this.log = log;
    this.ended = log.run(copyTask(script, this), { ...script.run, signal: this.#stop.signal });
    // Whether it fails is looked at by who awaits it.
    this.ended.catch(() => undefined);
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  note(event: string): void {
    this.events.push(event);
    for (const look of this.#changed) look();
  }

  count(event: string): number {
    return this.events.filter((each) => each === event).length;
  }

  /** Resolves as soon as this is so; rejects when the run ends before. */
  async until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const look = (): void => {
      if (isSo()) resolve(undefined);
    };
    this.#changed.add(look);
    look();
    try {
      await Promise.race([
        promise,
        this.ended.then(() => {
          if (!isSo()) throw new Error(`The run ended before, after ${this.events.join(', ')}.`);
        }),
      ]);
    } finally {
      this.#changed.delete(look);
    }
  }
}

interface Witness {
  readonly held: Set<number>;
  readonly processed: string[];
  note(event: string): void;
}

export function copyTask({ group, from, to, during }: MemberScript, witness: Witness): Task {
  return {
    group,
    inputs: [from],
    open: (context) => {
      const { partition } = context;
      witness.held.add(partition);
      witness.note(`open ${partition}`);
      return Promise.resolve({
        process: async (records): Promise<Progress> => {
          witness.processed.push(...records.map(({ value }) => textOf(value) ?? ''));
          witness.note(`process ${partition}`);
          await during?.(records, context);
          return upTo(
            records,
            records.map(({ key, value }) => ({ topic: to, partition, key, value })),
          );
        },
        idle: () => Promise.resolve({ outputs: [] }),
        committed: () => {
          witness.note(`committed ${partition}`);
          return Promise.resolve();
        },
        close: (reason) => {
          witness.held.delete(partition);
          witness.note(`close ${partition} ${reason}`);
          return Promise.resolve();
        },
      });
    },
  };
}

/** Waits until these members have all partitions among them, as evenly as can be. */
export async function shared(partitions: number, members: readonly Pick<Member, 'held'>[]): Promise<void> {
  await vi.waitFor(
    () => {
      const all = members.flatMap(({ held }) => [...held]).sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: partitions }, (_, i) => i));
      const sizes = members.map(({ held }) => held.size);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    },
    { timeout: 30_000, interval: 20 },
  );
}

/** Where the group is to be when all is done, and where it is. */
export async function lagOf(log: Log, group: string, topic: string): Promise<number> {
  const [topics, groups] = await Promise.all([log.topics(), log.groups()]);
  const committed = groups.find((info) => info.group === group)?.committed ?? [];
  let lag = 0;
  for (const { partition, endOffset } of topics.find(({ name }) => name === topic)?.partitionInfo ?? [])
    lag += endOffset - (committed.find((at) => at.topic === topic && at.partition === partition)?.offset ?? 0);
  return lag;
}

/** Waits until the coordinator shows members with so many partitions each, the most first; one of several ways. */
export async function assigned(log: Log, group: string, ...ways: readonly (readonly number[])[]): Promise<void> {
  await vi.waitFor(
    async () => {
      const members = (await log.groups()).find((info) => info.group === group)?.members ?? [];
      expect(ways).toContainEqual(members.map((member) => member.assigned.length).sort((a, b) => b - a));
    },
    { timeout: 30_000, interval: 50 },
  );
}
