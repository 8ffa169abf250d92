import type { Log } from '../log/port.ts';
import type { Codec } from '../codec/port.ts';
import type { ShardDescriptor } from '../record/types.ts';
import { fatalError } from '../errors.ts';

const utf8 = new TextDecoder();

/** What a store writes instead of shards (stores/store-target.ts); a shard's name begins with a namespace's, never so. */
export const TARGET_KEY = '_target';
export const BUILDING_KEY = '_building';
export const EMPTYING_KEY = '_emptying';
const OF_STORES = [TARGET_KEY, BUILDING_KEY, EMPTYING_KEY];

/** The committed shards of one sink, kept up to date by reading on in `<ns>.shards.<sink>`. */
export class ShardCatalog {
  readonly #log: Log;
  readonly #codec: Pick<Codec, 'decodeShardDescriptor'>;
  readonly #topic: string;
  readonly #byName = new Map<string, ShardDescriptor>();
  /** Where to read on, by partition of the shards topic. */
  readonly #next = new Map<number, number>();
  #refreshing: Promise<void> = Promise.resolve();

  constructor(log: Log, codec: Pick<Codec, 'decodeShardDescriptor'>, topic: string) {
    this.#log = log;
    this.#codec = codec;
    this.#topic = topic;
  }

  /** Reads what has been committed since the last call. Calls may overlap. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => undefined).then(() => this.#readOn());
    return this.#refreshing;
  }

  /** All shards by topic, partition and offset, or those of one partition. */
  shards(of?: { readonly topic: string; readonly partition: number }): ShardDescriptor[] {
    const all = [...this.#byName.values()].filter(({ name }) => !OF_STORES.includes(name));
    const wanted = of === undefined ? all : all.filter((s) => s.topic === of.topic && s.partition === of.partition);
    return wanted.sort(
      (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.firstOffset - b.firstOffset,
    );
  }

  /** Where a store is that the sink fills; undefined: it writes files. */
  get target(): ShardDescriptor | undefined {
    return this.#byName.get(TARGET_KEY);
  }

  /** The store is being filled from the log's beginning. */
  get isBuilding(): boolean {
    return this.#byName.has(BUILDING_KEY);
  }

  /** A rebuild of the store was begun, and it is not known to hold nothing of what was there before. */
  get isEmptying(): boolean {
    return this.#byName.has(EMPTYING_KEY);
  }

  async #readOn(): Promise<void> {
    const info = (await this.#log.topics()).find((topic) => topic.name === this.#topic);
    if (info === undefined) throw fatalError('LOG_TOPIC_UNKNOWN', `There is no topic ${this.#topic}.`);
    for (const { partition, startOffset, endOffset } of info.partitionInfo) {
      const from = Math.max(startOffset, this.#next.get(partition) ?? 0);
      if (from >= endOffset) continue;
      for await (const batch of this.#log.read(this.#topic, partition, from, endOffset)) {
        for (const { key, value } of batch.records) this.#apply(key, value);
      }
      this.#next.set(partition, endOffset);
    }
  }

  #apply(key: Uint8Array | null, value: Uint8Array | null): void {
    if (value !== null) {
      const descriptor = this.#codec.decodeShardDescriptor(value);
      this.#byName.set(descriptor.name, descriptor);
    } else if (key !== null) this.#byName.delete(utf8.decode(key));
  }
}
