import { ForwardingLog } from '../../log/forwarding-log.ts';
import type {
  Log,
  OutputRecord,
  ReadOptions,
  RecordBatch,
  RunOptions,
  Task,
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
export class ObservedLog extends ForwardingLog {
  readonly #metrics: LogMetrics;
  readonly #groups: GroupReadiness;
  readonly #lastSamples = new Set<Promise<void>>();

  constructor(log: Log, { metrics, groups }: ObservedLogOptions) {
    super(log);
    this.#metrics = metrics;
    this.#groups = groups;
  }

  override async run(task: Task, options?: RunOptions): Promise<void> {
    const { group } = task;
    this.#groups.begin(group);
    const observed = observeTask(task, {
      metrics: this.#metrics,
      onOpened: (more) => {
        this.#groups.opened(group, more);
      },
    });
    const endSampling = sampleLag({ log: this.inner, group, topics: task.inputs, metrics: this.#metrics });
    let hasEnded = false;
    try {
      await this.inner.run(observed, options);
      hasEnded = options?.signal?.aborted !== true;
    } finally {
      // After a stop or a failure the log is closed at once: nobody is to ask it anything.
      const sampled = endSampling({ last: hasEnded });
      this.#lastSamples.add(sampled);
      void sampled.then(() => this.#lastSamples.delete(sampled));
      this.#groups.end(group);
    }
  }

  override async producer(transactionalId: string): Promise<TransactionalProducer> {
    const producer = await this.inner.producer(transactionalId);
    return {
      append: async (records: readonly OutputRecord[]) => {
        const ranges = await producer.append(records);
        for (const [topic, amount] of amountsByTopic(records)) this.#metrics.appended(topic, amount);
        return ranges;
      },
      close: () => producer.close(),
    };
  }

  override async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
    options?: ReadOptions,
  ): AsyncGenerator<RecordBatch> {
    for await (const batch of this.inner.read(topic, partition, from, to, options)) {
      this.#metrics.scanned(topic, amountOf(batch.records));
      yield batch;
    }
  }

  override async close(): Promise<void> {
    await Promise.all(this.#lastSamples);
    await this.inner.close();
  }
}
