import { logClosed } from '../log-errors.ts';
import { observedRetries, type LogObserver } from '../observer.ts';
import type {
  AppendedRange,
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
} from '../port.ts';
import { readPartition } from '../reading.ts';
import { withRetries } from '../retry.ts';
import { runTask } from '../runner.ts';
import { RunningTasks } from '../running-tasks.ts';
import { EmbeddedEngine } from './embedded-engine.ts';

const DAY_MS = 24 * 3_600_000;

export interface EmbeddedLogOptions {
  /** The log's folder; created when missing. It must be on a local disk. */
  readonly dataDir: string;
  /** Milliseconds since the epoch. Default: the system's. */
  readonly clock?: () => number;
  /** The file grows to this size and no further; then LOG_DISK_FULL. */
  readonly maxLogBytes?: number;
  readonly observer?: LogObserver;
}

/**
 * Opens the log in a folder: one SQLite file, no server, safe for several processes of one machine, one consumer a
 * group. Rejects with LOG_UNREADABLE when the file is not a log, is damaged, or is of a newer release.
 */
export async function createEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const { clock = Date.now } = options;
  const engine = await EmbeddedEngine.open({ ...options, clock });
  return new EmbeddedLog(engine, clock);
}

class EmbeddedLog implements Log {
  readonly #engine: EmbeddedEngine;
  readonly #clock: () => number;
  readonly #running = new RunningTasks();
  #closing: Promise<void> | undefined;

  constructor(engine: EmbeddedEngine, clock: () => number) {
    this.#engine = engine;
    this.#clock = clock;
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#running.check();
    await this.#retrying('ensure-topics', () => this.#engine.worker.call('ensureTopics', specs));
  }

  async topics(): Promise<readonly TopicInfo[]> {
    this.#running.check();
    const rows = await this.#engine.worker.call('topicRows', null);
    return Promise.all(rows.map(({ name }) => this.#engine.describe(name)));
  }

  async groups(): Promise<readonly GroupInfo[]> {
    this.#running.check();
    return this.#engine.worker.call('groups', null);
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    this.#running.check();
    return this.#engine.worker.call('offsetsAt', { topic, timestampMs });
  }

  async producer(transactionalId: string): Promise<TransactionalProducer> {
    this.#running.check();
    const epoch = await this.#retrying('open-producer', () =>
      this.#engine.worker.call('openProducer', transactionalId),
    );
    return new EmbeddedProducer(this.#engine, this.#running, transactionalId, epoch);
  }

  async run(task: Task, options: RunOptions = {}): Promise<void> {
    await this.#running.track((closing) => runTask(this.#engine, task, options, closing));
  }

  read(topic: string, partition: number, from: number, to: number, options?: ReadOptions): AsyncIterable<RecordBatch> {
    return readPartition(this.#engine, topic, partition, from, to, options);
  }

  async resetGroup(
    group: string,
    offsets: readonly { topic: string; partition: number; offset: number }[],
  ): Promise<void> {
    this.#running.check();
    const rows = await Promise.all(
      offsets.map(async ({ topic, partition, offset }) => ({
        partitionId: await this.#engine.partitionId(topic, partition),
        offset,
      })),
    );
    await this.#retrying('reset-group', () => this.#engine.worker.call('resetGroup', { group, offsets: rows }));
  }

  async compact(options: CompactOptions = {}): Promise<void> {
    this.#running.check();
    const { topics, tombstoneRetentionMs = DAY_MS } = options;
    for (const topic of topics ?? []) await this.#engine.describe(topic);
    const request = { nowMs: this.#clock(), tombstoneRetentionMs, ...(topics === undefined ? {} : { topics }) };
    await this.#retrying('compact', () => this.#engine.worker.call('compact', request));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #retrying<T>(operation: string, call: () => Promise<T>): Promise<T> {
    return withRetries(call, undefined, observedRetries(this.#engine.observer, operation));
  }

  async #close(): Promise<void> {
    await this.#running.stop();
    try {
      await this.#engine.worker.call('close', { nowMs: this.#clock(), tombstoneRetentionMs: DAY_MS });
    } finally {
      await this.#engine.worker.end();
    }
  }
}

class EmbeddedProducer implements TransactionalProducer {
  readonly #engine: EmbeddedEngine;
  readonly #running: RunningTasks;
  readonly #id: string;
  readonly #epoch: number;
  #closed = false;

  constructor(engine: EmbeddedEngine, running: RunningTasks, id: string, epoch: number) {
    this.#engine = engine;
    this.#running = running;
    this.#id = id;
    this.#epoch = epoch;
  }

  async append(records: readonly OutputRecord[]): Promise<readonly AppendedRange[]> {
    if (this.#closed) throw logClosed();
    this.#running.check();
    if (records.length === 0) return [];
    const writer = { kind: 'producer', id: this.#id, epoch: this.#epoch } as const;
    const retries = observedRetries(this.#engine.observer, 'append');
    return withRetries(() => this.#engine.append(writer, records), undefined, retries);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
