import type { LogRecord, OutputRecord, PartitionTask, Progress, Task } from '../../log/port.ts';
import type { Amount, LogMetrics, TaskStep } from '../../telemetry/metrics/log-metrics.ts';

export interface ObservedTaskOptions {
  readonly metrics: LogMetrics;
  readonly onOpened: (more: 1 | -1) => void;
}

/** The same task, with what passes through it counted. */
export function observeTask(task: Task, options: ObservedTaskOptions): Task {
  const { group } = task;
  return {
    group,
    inputs: task.inputs,
    open: async (context) => {
      const open = (): Promise<PartitionTask> => task.open(context);
      const partitionTask = await timed(options.metrics, group, 'open', open);
      return new ObservedPartition(partitionTask, { ...options, group, topic: context.topic });
    },
  };
}

interface Queued extends Amount {
  /** The offset after its last record. */
  readonly end: number;
}

class ObservedPartition implements PartitionTask {
  readonly startOffset?: number;
  readonly keepsNothing: boolean;
  readonly #task: PartitionTask;
  readonly #options: ObservedTaskOptions & { readonly group: string; readonly topic: string };
  /** Batches that are not committed, in offset order. */
  readonly #queue: Queued[] = [];

  constructor(task: PartitionTask, options: ObservedTaskOptions & { readonly group: string; readonly topic: string }) {
    this.#task = task;
    this.#options = options;
    if (task.startOffset !== undefined) this.startOffset = task.startOffset;
    this.keepsNothing = task.keepsNothing ?? false;
    options.metrics.opened(options.group, 1);
    options.onOpened(1);
  }

  process(records: readonly LogRecord[]): Promise<Progress> {
    const { metrics, group, topic } = this.#options;
    const amount = amountOf(records);
    metrics.consumed(group, topic, amount);
    metrics.queued(group, topic, amount);
    this.#queue.push({ ...amount, end: (records.at(-1)?.offset ?? -1) + 1 });
    return this.#timed('process', () => this.#task.process(records));
  }

  idle(reason: 'end' | 'quiet' | 'stop'): Promise<Progress> {
    return this.#timed('idle', () => this.#task.idle(reason));
  }

  async committed(progress: Progress): Promise<void> {
    const { metrics } = this.#options;
    for (const [topic, amount] of amountsByTopic(progress.outputs)) metrics.appended(topic, amount);
    if (progress.offset !== undefined) this.#release(progress.offset);
    await this.#timed('committed', async () => this.#task.committed?.(progress));
  }

  async close(reason: 'done' | 'revoked' | 'failed'): Promise<void> {
    const { metrics, group, onOpened } = this.#options;
    try {
      await this.#timed('close', () => this.#task.close(reason));
    } finally {
      this.#release(Infinity);
      metrics.opened(group, -1);
      onOpened(-1);
    }
  }

  #timed<T>(step: TaskStep, call: () => Promise<T>): Promise<T> {
    return timed(this.#options.metrics, this.#options.group, step, call);
  }

  /** A batch that is committed in part stays: what it holds in memory does, too. */
  #release(offset: number): void {
    const { metrics, group, topic } = this.#options;
    for (let first = this.#queue[0]; first !== undefined && first.end <= offset; first = this.#queue[0]) {
      this.#queue.shift();
      metrics.queued(group, topic, { records: -first.records, bytes: -first.bytes });
    }
  }
}

async function timed<T>(metrics: LogMetrics, group: string, step: TaskStep, call: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await call();
  } finally {
    metrics.step(group, step, (performance.now() - startMs) / 1000);
  }
}

/** Headers are left out: they are a few bytes of few records. */
export function amountOf(records: readonly Pick<LogRecord, 'key' | 'value'>[]): Amount {
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0);
  return { records: records.length, bytes };
}

export function amountsByTopic(outputs: readonly OutputRecord[]): ReadonlyMap<string, Amount> {
  const amounts = new Map<string, { records: number; bytes: number }>();
  for (const { topic, key, value } of outputs) {
    let amount = amounts.get(topic);
    if (amount === undefined) amounts.set(topic, (amount = { records: 0, bytes: 0 }));
    amount.records++;
    amount.bytes += (key?.length ?? 0) + (value?.length ?? 0);
  }
  return amounts;
}
