import { countRefusals, lettersOf, type LetterOrigin, type Refusal, type RefusedCounts } from './dead-letters.ts';
import { buildManifest, MANIFEST_NAME, manifestText, type ManifestOptions } from './manifest.ts';
import { OpenShard, type OpenShardOptions } from './open-shard.ts';
import type { ProgressFile } from './progress-file.ts';
import type { ShardCatalog } from './shard-catalog.ts';
import type { ShardStore } from './shard-store.ts';
import { UsableRecords } from './usable-records.ts';
import type { Codec } from '../codec/port.ts';
import type { LogRecord, OutputRecord, PartitionTask, Progress } from '../log/port.ts';
import type { ShardDescriptor } from '../record/types.ts';

/** Shards that are being finished while the next one fills: more would only pile up before the encoder. */
const MAX_FINISHING = 1;

export interface ShardPartitionOptions extends OpenShardOptions {
  readonly codec: Pick<Codec, 'upgradeEmbedding' | 'encodeShardDescriptor'>;
  readonly shardsTopic: string;
  readonly store: ShardStore;
  readonly letters: LetterOrigin;
  /** Grows by what is committed. */
  readonly counts: RefusedCounts;
  readonly onPublished: (shards: readonly ShardDescriptor[]) => Promise<void>;
}

interface Finishing {
  readonly staged: Promise<ShardDescriptor>;
  settled: boolean;
}

/** A file sink's work on one partition: stage, then commit through the runner, then publish. */
export class ShardPartition implements PartitionTask {
  /** Rows are copied for the encoder, and what is refused is read again. */
  readonly keepsNothing = true;
  readonly #options: ShardPartitionOptions;
  #open: OpenShard | undefined;
  /** In offset order. */
  #finishing: Finishing[] = [];
  readonly #staged = new Map<string, ShardDescriptor>();
  readonly #usable: UsableRecords;
  /** Not yet among the outputs, in offset order. */
  #refused: Refusal[] = [];
  readonly #uncommitted = new WeakMap<Progress, readonly Refusal[]>();
  /** Next offset. */
  #seen: number | undefined;

  constructor(options: ShardPartitionOptions) {
    this.#options = options;
    this.#usable = new UsableRecords(options.codec);
  }

  async process(all: readonly LogRecord[]): Promise<Progress> {
    const records = this.#usable.of(all, this.#refused);
    const last = all.at(-1);
    if (last !== undefined) this.#seen = last.offset + 1;
    for (let from = 0; from < records.length;) {
      this.#open ??= new OpenShard(this.#options);
      const to = Math.min(records.length, from + this.#options.shardRows - this.#open.records);
      await this.#open.append(records, from, to);
      if (this.#open.records >= this.#options.shardRows) this.#finishOpen();
      from = to;
    }
    return this.#collect(MAX_FINISHING);
  }

  async idle(): Promise<Progress> {
    this.#finishOpen();
    return this.#collect(0);
  }

  async committed(progress: Progress): Promise<void> {
    countRefusals(this.#options.counts, this.#uncommitted.get(progress) ?? []);
    const shards: ShardDescriptor[] = [];
    for (const { key, topic } of progress.outputs) {
      if (topic !== this.#options.shardsTopic) continue;
      const name = key === null ? '' : Buffer.from(key).toString();
      const descriptor = this.#staged.get(name);
      if (descriptor === undefined) continue;
      this.#staged.delete(name);
      shards.push(descriptor);
    }
    if (shards.length === 0) return;
    await this.#options.store.publish(shards);
    await this.#options.onPublished(shards);
  }

  /** Staged files stay: after a failure nobody knows here whether they were committed. The next `open` decides. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await Promise.allSettled(this.#finishing.map(({ staged }) => staged));
    this.#finishing = [];
    await open?.abort();
  }

  #finishOpen(): void {
    if (this.#open === undefined) return;
    const staged = this.#open.finish().then((shard) => this.#options.store.send(shard));
    const finishing: Finishing = { staged, settled: false };
    const settle = (): void => {
      finishing.settled = true;
    };
    finishing.staged.then(settle, settle);
    this.#finishing.push(finishing);
    this.#open = undefined;
  }

  /** Answers with the shards that are staged; waits until no more than `mayRemain` are not. */
  async #collect(mayRemain: number): Promise<Progress> {
    const outputs: OutputRecord[] = [];
    let offset: number | undefined;
    for (let next = this.#finishing[0]; next !== undefined; next = this.#finishing[0]) {
      if (this.#finishing.length <= mayRemain && !next.settled) break;
      const descriptor = await next.staged;
      this.#finishing.shift();
      this.#staged.set(descriptor.name, descriptor);
      outputs.push(this.#output(descriptor));
      offset = descriptor.lastOffset + 1;
    }
    // What is in no shard waits for none.
    if (this.#refused.length > 0 && this.#open === undefined && this.#finishing.length === 0) offset = this.#seen;
    if (offset === undefined) return { outputs };
    const refused = this.#refused.filter((refusal) => refusal.offset < offset);
    this.#refused = this.#refused.slice(refused.length);
    if (refused.length > 0) outputs.push(...(await lettersOf(refused, this.#options.letters)));
    const progress: Progress = { outputs, offset };
    this.#uncommitted.set(progress, refused);
    return progress;
  }

  #output(descriptor: ShardDescriptor): OutputRecord {
    return {
      topic: this.#options.shardsTopic,
      partition: descriptor.partition,
      key: Buffer.from(descriptor.name),
      // Encoded values share memory with others, and this one may wait.
      value: Uint8Array.from(this.#options.codec.encodeShardDescriptor(descriptor)),
    };
  }
}

/** Keeps `_manifest.json`, and the progress of batches, up with the log; writes of several partitions follow one another. */
export class ManifestKeeper {
  readonly #catalog: ShardCatalog;
  readonly #store: Pick<ShardStore, 'replaceText'>;
  readonly #options: ManifestOptions;
  readonly #progress: ProgressFile | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    catalog: ShardCatalog,
    store: Pick<ShardStore, 'replaceText'>,
    options: ManifestOptions,
    progress?: ProgressFile,
  ) {
    this.#catalog = catalog;
    this.#store = store;
    this.#options = options;
    this.#progress = progress;
  }

  update(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    await this.#catalog.refresh();
    const shards = this.#catalog.shards();
    await this.#store.replaceText(MANIFEST_NAME, manifestText(buildManifest(this.#options, shards)));
    await this.#progress?.update(shards);
  }
}
