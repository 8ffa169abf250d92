import type {
  CompactOptions,
  GroupInfo,
  Log,
  OutputRecord,
  PartitionOffset,
  ReadOptions,
  RecordBatch,
  RunOptions,
  Task,
  TopicInfo,
  TopicSpec,
  TransactionalProducer,
} from '../../log/port.ts';
import type { LogMetrics } from '../../telemetry/metrics/log-metrics.ts';
import type { GroupReadiness } from './group-readiness.ts';
import { sampleLag } from './lag-sampler.ts';
import { amountOf, amountsByTopic, observeTask } from './observed-task.ts';

export interface ObservedLogOptions {
  readonly metrics: LogMetrics;
  readonly groups: GroupReadiness;
}

/** The same log, with all that passes through it counted. It does nothing else, and holds nothing up. */
export class ObservedLog implements Log {
  readonly #log: Log;
  readonly #metrics: LogMetrics;
  readonly #groups: GroupReadiness;
  readonly #lastSamples = new Set<Promise<void>>();

  constructor(log: Log, { metrics, groups }: ObservedLogOptions) {
    this.#log = log;
    this.#metrics = metrics;
    this.#groups = groups;
  }

  async run(task: Task, options?: RunOptions): Promise<void> {
    const { group } = task;
    this.#groups.begin(group);
    const observed = observeTask(task, {
      metrics: this.#metrics,
      onOpened: (more) => {
        this.#groups.opened(group, more);
      },
    });
    const endSampling = sampleLag({ log: this.#log, group, topics: task.inputs, metrics: this.#metrics });
    let hasEnded = false;
    try {
      await this.#log.run(observed, options);
      hasEnded = options?.signal?.aborted !== true;
    } finally {
      // After a stop or a failure the log is closed at once: nobody is to ask it anything.
      const sampled = endSampling({ last: hasEnded });
      this.#lastSamples.add(sampled);
      void sampled.then(() => this.#lastSamples.delete(sampled));
      this.#groups.end(group);
    }
  }

  async producer(transactionalId: string): Promise<TransactionalProducer> {
    const producer = await this.#log.producer(transactionalId);
    return {
      append: async (records: readonly OutputRecord[]) => {
        const ranges = await producer.append(records);
        for (const [topic, amount] of amountsByTopic(records)) this.#metrics.appended(topic, amount);
        return ranges;
      },
      close: () => producer.close(),
    };
  }

  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
    options?: ReadOptions,
  ): AsyncGenerator<RecordBatch> {
    for await (const batch of this.#log.read(topic, partition, from, to, options)) {
      this.#metrics.scanned(topic, amountOf(batch.records));
      yield batch;
    }
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#log.ensureTopics(specs);
  }

  topics(): Promise<readonly TopicInfo[]> {
    return this.#log.topics();
  }

  groups(): Promise<readonly GroupInfo[]> {
    return this.#log.groups();
  }

  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    return this.#log.offsetsAt(topic, timestampMs);
  }

  resetGroup(group: string, offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<void> {
    return this.#log.resetGroup(group, offsets);
  }

  compact(options?: CompactOptions): Promise<void> {
    return this.#log.compact(options);
  }

  async close(): Promise<void> {
    await Promise.all(this.#lastSamples);
    await this.#log.close();
  }
}
