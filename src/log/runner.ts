import type { GroupLease, LogEngine } from './engine.ts';
import { PartitionRun, shareOfBytes } from './partition-run.ts';
import type { RunOptions, Task } from './port.ts';

interface Input {
  readonly topic: string;
  readonly partition: number;
  readonly endOffset: number;
}

/**
 * Runs a task on all partitions of its inputs, concurrently. The first error anywhere fails the whole run: nothing
 * is committed after it, all partitions are closed, and the run rejects with it.
 *
 * Memory: a partition holds at most one fetch in hand and one ahead, and the partitions share `maxBatchBytes`
 * (with at least 64 KiB each), so a run holds about twice `maxBatchBytes`.
 */
export async function runTask(engine: LogEngine, task: Task, options: RunOptions, closing: AbortSignal): Promise<void> {
  const inputs = await describeInputs(engine, task);
  const stop = options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]);
  if (stop.aborted) return;
  const lease = await engine.acquire(task, options.takeOver ?? false);
  engine.observer?.assigned?.(task.group, inputs.length);
  const run = new TaskRun(engine, task, options, lease, stop);
  try {
    await run.execute(inputs);
  } finally {
    await lease.release();
  }
}

async function describeInputs(engine: LogEngine, task: Task): Promise<readonly Input[]> {
  const topics = await Promise.all(task.inputs.map((topic) => engine.describe(topic)));
  return topics.flatMap(({ name, partitionInfo }) =>
    partitionInfo.map(({ partition, endOffset }) => ({ topic: name, partition, endOffset })),
  );
}

class TaskRun {
  readonly #engine: LogEngine;
  readonly #task: Task;
  readonly #options: RunOptions;
  readonly #lease: GroupLease;
  readonly #stop: AbortSignal;
  readonly #failure = new AbortController();
  readonly #runs = new Map<string, PartitionRun>();
  /** The ends to stop at once `until` has settled, for partitions that open later. */
  #limits: ReadonlyMap<string, number> | undefined;

  constructor(engine: LogEngine, task: Task, options: RunOptions, lease: GroupLease, stop: AbortSignal) {
    this.#engine = engine;
    this.#task = task;
    this.#options = options;
    this.#lease = lease;
    this.#stop = stop;
  }

  async execute(inputs: readonly Input[]): Promise<void> {
    const { until } = this.#options;
    if (until === 'end') this.#limits = limitsOf(inputs);
    const unwatch = until === 'end' ? undefined : await this.#watch();
    const wakeAll = (): void => {
      for (const run of this.#runs.values()) run.wake();
    };
    this.#stop.addEventListener('abort', wakeAll);
    this.#failure.signal.addEventListener('abort', wakeAll);
    if (until !== undefined && until !== 'end') this.#endAfter(until);
    try {
      await Promise.allSettled(inputs.map((input) => this.#guard(() => this.#runPartition(input, inputs.length))));
    } finally {
      unwatch?.();
      this.#stop.removeEventListener('abort', wakeAll);
    }
    this.#failure.signal.throwIfAborted();
  }

  /** The first error becomes the run's. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#failure.signal.aborted) this.#failure.abort(error);
    }
  }

  async #watch(): Promise<() => void> {
    return this.#engine.watch((touches) => {
      for (const [name, run] of this.#runs) {
        const separator = name.lastIndexOf('/');
        if (touches(name.slice(0, separator), Number(name.slice(separator + 1)))) run.noteAppend();
      }
    });
  }

  /** Whether the promise resolves or rejects is its owner's business; here it only marks the end. */
  #endAfter(until: Promise<unknown>): void {
    const settle = (): void => {
      void this.#guard(async () => {
        const limits = limitsOf(await describeInputs(this.#engine, this.#task));
        this.#limits = limits;
        for (const [name, run] of this.#runs) run.setLimit(limits.get(name) ?? 0);
      });
    };
    until.then(settle, settle);
  }

  async #runPartition({ topic, partition, endOffset }: Input, partitions: number): Promise<void> {
    const name = `${topic}/${partition}`;
    const run = await PartitionRun.open({
      engine: this.#engine,
      task: this.#task,
      run: this.#options,
      topic,
      partition,
      lease: this.#lease,
      committed: this.#lease.committed(topic, partition),
      endOffset,
      limit: () => (this.#limits === undefined ? Infinity : (this.#limits.get(name) ?? 0)),
      maxBytes: () => shareOfBytes(this.#options, partitions),
      failure: this.#failure.signal,
      stop: this.#stop,
    });
    if (run === undefined) return;
    this.#runs.set(name, run);
    await run.execute();
  }
}

function limitsOf(inputs: readonly Input[]): ReadonlyMap<string, number> {
  return new Map(inputs.map(({ topic, partition, endOffset }) => [`${topic}/${partition}`, endOffset]));
}
