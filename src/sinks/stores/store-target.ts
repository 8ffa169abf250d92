import type { Codec } from '../../codec/port.ts';
import { UsageError } from '../../errors.ts';
import type { Log, OutputRecord } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import { BUILDING_KEY, EMPTYING_KEY, ShardCatalog, TARGET_KEY } from '../shard-catalog.ts';
import { storeSinkNames, type StoreIdentity, type StoreSinkNames } from './store-names.ts';

export interface StoreTargetOptions extends StoreIdentity {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly dimension: number;
  readonly clock: () => number;
}

/**
 * What the log knows of a store as an output, in `<ns>.shards.<sink>`: where it is (key `_target`), for `reconcile` and
 * for whoever runs the sink next, whether it is being filled from the beginning (key `_building`), so that a filling that
 * crashed goes on and is completed, and whether it must first be emptied for that (key `_emptying`).
 */
export class StoreTarget {
  readonly names: StoreSinkNames;
  readonly #options: StoreTargetOptions;
  readonly #catalog: ShardCatalog;

  /** @throws UsageError when the name is another output's. */
  static async open(options: StoreTargetOptions): Promise<StoreTarget> {
    const target = new StoreTarget(options);
    await target.#catalog.refresh();
    target.#refuseOthers();
    return target;
  }

  private constructor(options: StoreTargetOptions) {
    const { log, codec, topics } = options;
    this.#options = options;
    this.names = storeSinkNames(options, topics);
    this.#catalog = new ShardCatalog(log, codec, this.names.shardsTopic);
  }

  get isBuilding(): boolean {
    return this.#catalog.isBuilding;
  }

  get isEmptying(): boolean {
    return this.#catalog.isEmptying;
  }

  get location(): string {
    return this.#options.location;
  }

  /** Whether a process has ever noted it. */
  async isKnown(): Promise<boolean> {
    await this.#catalog.refresh();
    return this.#catalog.target !== undefined;
  }

  /**
   * Notes where the output is, if that is not known, with `isBuilding` that it is being filled, and with `isEmptying` that
   * what it holds must go before.
   */
  async note({
    isBuilding,
    isEmptying = false,
  }: {
    readonly isBuilding: boolean;
    readonly isEmptying?: boolean;
  }): Promise<void> {
    const outputs = [
      ...(this.#catalog.target === undefined ? [this.#output(TARGET_KEY)] : []),
      ...(isBuilding && !this.isBuilding ? [this.#output(BUILDING_KEY)] : []),
      ...(isEmptying && !this.isEmptying ? [this.#output(EMPTYING_KEY)] : []),
    ];
    await this.#append(outputs);
  }

  /** What it held before is gone, or stands beside. */
  async noteEmptied(): Promise<void> {
    await this.#append([{ ...this.#output(EMPTYING_KEY), value: null }]);
  }

  /** It is filled, and everything is in its place. */
  async noteCompleted(): Promise<void> {
    await this.#catalog.refresh();
    if (this.isBuilding) await this.#append([{ ...this.#output(BUILDING_KEY), value: null }]);
  }

  async #append(outputs: readonly OutputRecord[]): Promise<void> {
    if (outputs.length === 0) return;
    const { log } = this.#options;
    // Two processes of one sink say the same, each in a transaction of its own.
    const producer = await log.producer(`${this.names.group}.target-${process.pid}`);
    try {
      await producer.append(outputs);
    } finally {
      await producer.close();
    }
    await this.#catalog.refresh();
  }

  #output(name: string): OutputRecord {
    const { codec, topics, adapter, model, dimension, location, clock } = this.#options;
    const descriptor: ShardDescriptor = {
      ...{ name, sink: this.names.sinkName, format: adapter, location },
      ...{ topic: topics.embeddings(model), partition: 0, firstOffset: 0, lastOffset: 0, rows: 0, deletions: 0 },
      ...{ model, dimension, fingerprints: [], files: [], createdAt: clock() },
    };
    const value = Uint8Array.from(codec.encodeShardDescriptor(descriptor));
    return { topic: this.names.shardsTopic, partition: 0, key: Buffer.from(name), value };
  }

  #refuseOthers(): void {
    const { adapter, location, model } = this.#options;
    const present = this.#catalog.target ?? this.#catalog.shards()[0];
    if (present === undefined) return;
    if (present.format === adapter && present.location === location && present.model === model) return;
    throw new UsageError(
      `The sink "${this.names.sinkName}" writes ${present.model} as ${present.format} to ${present.location}, not as ` +
        `${adapter} to ${location}. Give this one another name: --sink-name=NAME.`,
    );
  }
}
