import { groupOwned, logClosed, producerFenced } from '../log-errors.ts';
import type { FetchedRecords, FetchRequest, GroupLease, InputOffset, LogEngine } from '../engine.ts';
import type {
  AppendedRange,
  CompactOptions,
  GroupInfo,
  Log,
  LogRecord,
  OutputRecord,
  PartitionOffset,
  ReadOptions,
  RecordBatch,
  RunOptions,
  Task,
  TopicInfo,
  TopicSpec,
  TransactionalProducer,
} from '../port.ts';
import { readPartition } from '../reading.ts';
import { runTask } from '../runner.ts';
import { RunningTasks } from '../running-tasks.ts';
import { compactMemory } from './memory-compaction.ts';
import { MemoryStore } from './memory-store.ts';

const DAY_MS = 24 * 3_600_000;

export interface MemoryLogOptions {
  /** Shared by logs that stand for several processes on one log. */
  readonly store?: MemoryStore;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/** A log in memory, for unit tests: it has the port's semantics and forgets everything. */
export function createMemoryLog(options: MemoryLogOptions = {}): Log {
  return new MemoryLog(options.store ?? new MemoryStore(), options.clock ?? Date.now);
}

let handles = 0;

class MemoryLog implements Log, LogEngine {
  readonly #store: MemoryStore;
  readonly #clock: () => number;
  readonly #running = new RunningTasks();
  readonly #owner = `memory log ${++handles}`;

  constructor(store: MemoryStore, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#open();
    this.#store.ensureTopics(specs);
  }

  async topics(): Promise<readonly TopicInfo[]> {
    await this.#open();
    return [...this.#store.topics.keys()].sort().map((name) => this.#store.describe(name));
  }

  async groups(): Promise<readonly GroupInfo[]> {
    await this.#open();
    return [...this.#store.groups].map(([group, { offsets, owner }]) => ({
      group,
      committed: [...offsets.values()],
      members: owner === undefined ? [] : [owner],
    }));
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    await this.#open();
    return this.#store.describe(topic).partitionInfo.map(({ partition, endOffset }) => {
      const first = this.#store.partition(topic, partition).records.find((record) => record.timestampMs >= timestampMs);
      return { partition, offset: first?.offset ?? endOffset };
    });
  }

  async producer(transactionalId: string): Promise<TransactionalProducer> {
    await this.#open();
    const epochs = this.#store.producerEpochs;
    const epoch = (epochs.get(transactionalId) ?? 0) + 1;
    epochs.set(transactionalId, epoch);
    let closed = false;
    return {
      append: async (records) => {
        await this.#open();
        if (closed) throw logClosed();
        if (epochs.get(transactionalId) !== epoch) throw producerFenced(transactionalId);
        return this.#append(records);
      },
      close: () => {
        closed = true;
        return Promise.resolve();
      },
    };
  }

  async run(task: Task, options: RunOptions = {}): Promise<void> {
    await this.#running.track((closing) => runTask(this, task, options, closing));
  }

  read(topic: string, partition: number, from: number, to: number, options?: ReadOptions): AsyncIterable<RecordBatch> {
    return readPartition(this, topic, partition, from, to, options);
  }

  async resetGroup(
    group: string,
    offsets: readonly { topic: string; partition: number; offset: number }[],
  ): Promise<void> {
    await this.#open();
    const { owner } = this.#store.group(group);
    if (owner !== undefined) throw groupOwned(group, owner.name);
    for (const { topic, partition } of offsets) this.#store.partition(topic, partition);
    for (const offset of offsets)
      this.#store.group(group).offsets.set(`${offset.topic}/${offset.partition}`, { ...offset });
  }

  async compact(options: CompactOptions = {}): Promise<void> {
    await this.#open();
    const topics = options.topics ?? [...this.#store.topics.keys()];
    const tombstonesUntilMs = this.#clock() - (options.tombstoneRetentionMs ?? DAY_MS);
    for (const topic of topics) {
      if (this.#store.describe(topic).cleanup === 'compact') compactMemory(this.#store, topic, tombstonesUntilMs);
    }
  }

  async close(): Promise<void> {
    await this.#running.stop();
  }

  async describe(topic: string): Promise<TopicInfo> {
    await this.#open();
    return this.#store.describe(topic);
  }

  async fetch({ topic, partition, from, to, maxBytes }: FetchRequest): Promise<FetchedRecords> {
    await this.#step();
    const { records, endOffset } = this.#store.partition(topic, partition);
    const limit = Math.min(to, endOffset);
    const first = lowerBound(records, from);
    let last = first;
    let bytes = 0;
    for (let record = records[last]; record !== undefined && record.offset < limit; record = records[++last]) {
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (bytes > maxBytes && last > first) break;
    }
    const next = records[last];
    const nextOffset = next !== undefined && next.offset < limit ? next.offset : limit;
    return fetchedFrom(records.slice(first, last), Math.max(from, nextOffset));
  }

  async acquire({ group, inputs }: Pick<Task, 'group' | 'inputs'>, takeOver: boolean): Promise<GroupLease> {
    await this.#open();
    const assigned = inputs.flatMap((topic) =>
      this.#store.describe(topic).partitionInfo.map(({ partition }) => ({ topic, partition })),
    );
    const epoch = this.#store.acquire(group, { name: this.#owner, assigned }, takeOver);
    return {
      committed: (topic, partition) => this.#store.group(group).offsets.get(`${topic}/${partition}`)?.offset,
      commit: async (outputs: readonly OutputRecord[], { topic, partition, offset }: InputOffset) => {
        await this.#step();
        this.#store.checkEpoch(group, epoch);
        this.#append(outputs);
        if (offset === undefined) return;
        this.#store.group(group).offsets.set(`${topic}/${partition}`, { topic, partition, offset });
      },
      assertOwner: async () => {
        await this.#step();
        this.#store.checkEpoch(group, epoch);
      },
      release: () => {
        this.#store.release(group, epoch);
        return Promise.resolve();
      },
    };
  }

  watch(listener: (touches: (topic: string, partition: number) => boolean) => void): Promise<() => void> {
    this.#store.listeners.add(listener);
    return Promise.resolve(() => this.#store.listeners.delete(listener));
  }

  #append(records: readonly OutputRecord[]): readonly AppendedRange[] {
    const ranges = this.#store.append(records, this.#clock());
    this.#store.notify(ranges);
    return ranges;
  }

  async #open(): Promise<void> {
    await this.#step();
    this.#running.check();
  }

  /** Yields, so that callers meet the same interleavings as with a log on disk. */
  async #step(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function fetchedFrom(records: readonly LogRecord[], nextOffset: number): FetchedRecords {
  let taken = 0;
  return {
    nextOffset,
    isEmpty(): boolean {
      return taken >= records.length;
    },
    take(maxRecords: number): readonly LogRecord[] {
      const part = records.slice(taken, taken + maxRecords);
      taken += part.length;
      return part;
    },
  };
}

function lowerBound(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
