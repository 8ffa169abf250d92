import { randomBytes } from 'node:crypto';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import type { Log, OutputRecord, Task } from '../../../src/log/port.ts';
import type { LogPlace } from '../../contracts/log/place.ts';

interface Whereabouts {
  readonly brokers: readonly string[];
  /** Before the names of all topics, groups and transactional ids, so that places on one cluster don't meet. */
  readonly prefix: string;
}

/** Abandoned transactions end soon, so that readers need not wait long for what a killed process left open. */
const TRANSACTION_TIMEOUT_MS = 3_000;
const SESSION_TIMEOUT_MS = 6_000;

export interface KafkaPlace extends LogPlace {
  readonly prefix: string;
}

/** A place of its own on a shared cluster. */
export function kafkaPlace(brokers: readonly string[]): Promise<KafkaPlace> {
  const whereabouts = { brokers, prefix: `t${randomBytes(6).toString('hex')}.` };
  const handles: Log[] = [];
  return Promise.resolve({
    prefix: whereabouts.prefix,
    child: { module: import.meta.url, argument: JSON.stringify(whereabouts) },
    open: async () => {
      const log = await openAt(whereabouts);
      handles.push(log);
      return log;
    },
    dispose: async () => {
      await Promise.all(handles.map((log) => log.close()));
    },
  });
}

/** For child processes of the contract, which import it by URL. @public */
export function openLog(argument: string): Promise<Log> {
  return openAt(JSON.parse(argument) as Whereabouts);
}

async function openAt({ brokers, prefix }: Whereabouts): Promise<Log> {
  const log = await createKafkaLog({
    connection: { brokers, clientId: `pid ${process.pid}` },
    prefix,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
  });
  return new PrefixedLog(log, prefix);
}

/** Names without the prefix outside, with it inside. */
class PrefixedLog implements Log {
  readonly #log: Log;
  readonly #prefix: string;

  constructor(log: Log, prefix: string) {
    this.#log = log;
    this.#prefix = prefix;
  }

  ensureTopics: Log['ensureTopics'] = (specs) =>
    this.#log.ensureTopics(specs.map((spec) => ({ ...spec, name: this.#inside(spec.name) })));

  topics: Log['topics'] = async () =>
    (await this.#log.topics()).map((info) => ({ ...info, name: this.#outside(info.name) }));

  groups: Log['groups'] = async () =>
    (await this.#log.groups()).map((info) => ({
      ...info,
      group: this.#outside(info.group),
      committed: info.committed.map((each) => ({ ...each, topic: this.#outside(each.topic) })),
      members: info.members.map(({ name, assigned }) => ({
        name,
        assigned: assigned.map((each) => ({ ...each, topic: this.#outside(each.topic) })),
      })),
    }));

  producer: Log['producer'] = async (id) => {
    const producer = await this.#log.producer(this.#inside(id));
    return {
      append: async (records) => {
        const ranges = await producer.append(this.#outputs(records));
        return ranges.map((range) => ({ ...range, topic: this.#outside(range.topic) }));
      },
      close: () => producer.close(),
    };
  };

  run: Log['run'] = (task, options) => this.#log.run(this.#task(task), options);

  read: Log['read'] = async function* (this: PrefixedLog, topic, ...rest) {
    for await (const batch of this.#log.read(this.#inside(topic), ...rest)) yield { ...batch, topic };
  };

  offsetsAt: Log['offsetsAt'] = (topic, timestampMs) => this.#log.offsetsAt(this.#inside(topic), timestampMs);

  resetGroup: Log['resetGroup'] = (group, offsets) =>
    this.#log.resetGroup(
      this.#inside(group),
      offsets.map((each) => ({ ...each, topic: this.#inside(each.topic) })),
    );

  compact: Log['compact'] = (options) => this.#log.compact(options);

  close: Log['close'] = () => this.#log.close();

  #inside(name: string): string {
    return `${this.#prefix}${name}`.replaceAll(' ', '-');
  }

  #outside(name: string): string {
    return name.slice(this.#prefix.length);
  }

  #outputs(records: readonly OutputRecord[]): OutputRecord[] {
    return records.map((record) => ({ ...record, topic: this.#inside(record.topic) }));
  }

  #task(task: Task): Task {
    return {
      group: this.#inside(task.group),
      inputs: task.inputs.map((name) => this.#inside(name)),
      open: async (context) => {
        const inner = await task.open({ ...context, topic: this.#outside(context.topic) });
        return {
          ...(inner.startOffset !== undefined && { startOffset: inner.startOffset }),
          process: async (records) => {
            const progress = await inner.process(records);
            return { ...progress, outputs: this.#outputs(progress.outputs) };
          },
          idle: async (reason) => {
            const progress = await inner.idle(reason);
            return { ...progress, outputs: this.#outputs(progress.outputs) };
          },
          committed: async (progress) => inner.committed?.(progress),
          close: (reason) => inner.close(reason),
        };
      },
    };
  }
}
