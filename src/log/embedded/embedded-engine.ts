import type { FetchedRecords, FetchRequest, GroupLease, InputOffset, LogEngine } from '../engine.ts';
import { partitionUnknown, topicUnknown } from '../log-errors.ts';
import type { LogObserver } from '../observer.ts';
import type { AppendedRange, OutputRecord, Task, TopicInfo } from '../port.ts';
import { packAppend } from './append-packing.ts';
import { PackedRecords } from './packed-records.ts';
import type { AppendedChunk, TopicRow, Writer } from './protocol.ts';
import { WorkerClient } from './worker-client.ts';

type AppendListener = (touches: (topic: string, partition: number) => boolean) => void;

export interface EmbeddedEngineOptions {
  readonly dataDir: string;
  readonly maxLogBytes?: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly observer?: LogObserver;
}

/** The embedded log as the runner sees it, and appending. */
export class EmbeddedEngine implements LogEngine {
  readonly observer: LogObserver | undefined;
  readonly #clock: () => number;
  readonly #worker: WorkerClient;
  readonly #listeners: Set<AppendListener>;
  /** Topics only come, and their partitions never change. */
  #topics: ReadonlyMap<string, TopicRow> = new Map();

  private constructor(
    worker: WorkerClient,
    { clock, observer }: Pick<EmbeddedEngineOptions, 'clock' | 'observer'>,
    listeners: Set<AppendListener>,
  ) {
    this.#worker = worker;
    this.#clock = clock;
    this.observer = observer;
    this.#listeners = listeners;
  }

  static async open({ clock, observer, ...settings }: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
    const listeners = new Set<AppendListener>();
    const worker = await WorkerClient.start(settings, () => {
      for (const listener of listeners) listener(() => true);
    });
    return new EmbeddedEngine(worker, { clock, ...(observer && { observer }) }, listeners);
  }

  get worker(): WorkerClient {
    return this.#worker;
  }

  describe(topic: string): Promise<TopicInfo> {
    return this.#worker.call('describe', topic);
  }

  async fetch({ topic, partition, from, to, maxBytes }: FetchRequest): Promise<FetchedRecords> {
    const partitionId = await this.partitionId(topic, partition);
    // Infinity is no offset that SQLite knows; no log is this long.
    const range = { partitionId, from, to: Math.min(to, Number.MAX_SAFE_INTEGER), maxBytes };
    return new PackedRecords(await this.#worker.call('fetch', range));
  }

  async acquire({ group, inputs }: Pick<Task, 'group' | 'inputs'>, takeOver: boolean): Promise<GroupLease> {
    const request = { group, inputs, takeOver, nowMs: this.#clock() };
    const { epoch, committed } = await this.#worker.call('acquireGroup', request);
    await this.#refreshTopics();
    const offsets = new Map(committed.map(({ partitionId, offset }) => [partitionId, offset]));
    return {
      committed: (topic, partition) => offsets.get(this.#topics.get(topic)?.partitionIds[partition] ?? -1),
      commit: async (outputs, input) => {
        await this.append({ kind: 'group', id: group, epoch }, outputs, input);
      },
      assertOwner: async () => {
        await this.#worker.call('checkGroup', { group, epoch });
      },
      release: async () => {
        await this.#worker.call('releaseGroup', { group, epoch });
      },
    };
  }

  async watch(listener: AppendListener): Promise<() => void> {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) await this.#worker.call('watch', true);
    return () => {
      this.#listeners.delete(listener);
      // Closing the log ends the watching, too.
      if (this.#listeners.size === 0) this.#worker.call('watch', false).catch(() => undefined);
    };
  }

  /** All of the records and the offset in one transaction; wakes who follows the partitions. */
  async append(
    writer: Writer,
    records: readonly OutputRecord[],
    input?: InputOffset,
  ): Promise<readonly AppendedRange[]> {
    await this.#knowTopics(records);
    const nowMs = this.#clock();
    const commit = await this.#offsetToCommit(input);
    const { buffer, chunks } = packAppend(records, this.#topics, nowMs);
    const request = { writer, buffer, chunks, nowMs, ...(commit === undefined ? {} : { commit }) };
    const appended = await this.#worker.call('append', request, [buffer]);
    const ranges = this.#ranges(appended);
    this.#notify(ranges);
    return ranges;
  }

  /** Row id of a partition. Rejects with LOG_TOPIC_UNKNOWN or LOG_PARTITION_MISMATCH. */
  async partitionId(topic: string, partition: number): Promise<number> {
    if (!this.#topics.has(topic)) await this.#refreshTopics();
    const row = this.#topics.get(topic);
    if (row === undefined) throw topicUnknown(topic);
    const id = row.partitionIds[partition];
    if (id === undefined) throw partitionUnknown(topic, partition, row.partitions);
    return id;
  }

  async #offsetToCommit(input: InputOffset | undefined): Promise<{ partitionId: number; offset: number } | undefined> {
    if (input?.offset === undefined) return undefined;
    return { partitionId: await this.partitionId(input.topic, input.partition), offset: input.offset };
  }

  async #knowTopics(records: readonly OutputRecord[]): Promise<void> {
    let known = '';
    for (const { topic } of records) {
      if (topic === known) continue;
      if (!this.#topics.has(topic)) await this.partitionId(topic, 0);
      known = topic;
    }
  }

  async #refreshTopics(): Promise<void> {
    this.#topics = new Map((await this.#worker.call('topicRows', null)).map((row) => [row.name, row]));
  }

  #ranges(appended: readonly AppendedChunk[]): readonly AppendedRange[] {
    const names = new Map<number, { topic: string; partition: number }>();
    for (const { name, partitionIds } of this.#topics.values()) {
      partitionIds.forEach((id, partition) => names.set(id, { topic: name, partition }));
    }
    const ranges = new Map<number, AppendedRange>();
    for (const { partitionId, firstOffset, lastOffset } of appended) {
      const name = names.get(partitionId);
      if (name === undefined) continue;
      ranges.set(partitionId, {
        ...name,
        firstOffset: ranges.get(partitionId)?.firstOffset ?? firstOffset,
        lastOffset,
      });
    }
    return [...ranges.values()];
  }

  #notify(ranges: readonly AppendedRange[]): void {
    if (ranges.length === 0) return;
    const touched = new Set(ranges.map(({ topic, partition }) => `${topic}/${partition}`));
    for (const listener of this.#listeners) listener((topic, partition) => touched.has(`${topic}/${partition}`));
  }
}
