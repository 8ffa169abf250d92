import type { SingleFolder } from './single-folder.ts';
import { stageSingleFile, type StagedSet, type StageOptions } from './stage-single-file.ts';
import type { Codec } from '../../codec/port.ts';
import { failureOutcome } from '../../errors.ts';
import type { Log, OutputRecord, PartitionInfo } from '../../log/port.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import type { ShardCatalog } from '../shard-catalog.ts';

export interface SingleFileOptions extends StageOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly catalog: ShardCatalog;
  readonly folder: SingleFolder;
  /** Write it even if the log has nothing new. */
  readonly rewrite: boolean;
  readonly onPublished: (set: StagedSet) => void;
}

/** Compactions in the middle of reading that are borne. */
const MAX_RACES = 5;

interface Pending {
  readonly partition: number;
  readonly set: StagedSet;
  readonly outputs: readonly OutputRecord[];
  readonly obsolete: readonly string[];
}

/** One sink's files, shared by its partitions: whichever comes to its end first brings them up to the log. */
export class SingleFile {
  readonly #options: SingleFileOptions;
  #mustRewrite: boolean;
  /** Staged, and perhaps not yet committed. */
  #pending: Pending | undefined;
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: SingleFileOptions) {
    this.#options = options;
    this.#mustRewrite = options.rewrite;
  }

  /** Answers with what to commit; nothing when the files have all that is on the log. Calls may overlap. */
  bringUp(partition: number): Promise<readonly OutputRecord[]> {
    const working = this.#working.catch(() => undefined).then(() => this.#bringUp(partition));
    this.#working = working;
    return working;
  }

  /** To be called once these outputs are committed. */
  async publish(outputs: readonly OutputRecord[]): Promise<void> {
    const pending = this.#pending;
    if (!pending?.outputs.every((output) => outputs.includes(output))) return;
    const { catalog, folder, onPublished } = this.#options;
    await catalog.refresh();
    // Somebody else may have committed newer files since.
    const committed = new Set(catalog.shards().flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
    if (pending.set.files.every(({ sha256 }) => committed.has(sha256))) {
      await folder.publish(pending.set.files, pending.obsolete);
      onPublished(pending.set);
    }
    this.#pending = undefined;
  }

  /** The partition is given up: what was staged for its next commit will never be committed. */
  giveUp(partition: number): void {
    if (this.#pending?.partition === partition) this.#pending = undefined;
  }

  async #bringUp(partition: number): Promise<readonly OutputRecord[]> {
    const { catalog, folder, names } = this.#options;
    await catalog.refresh();
    const partitions = await this.#partitions();
    // What another partition has staged a moment ago has all that was there at the start of a run.
    if (this.#pending !== undefined) return [];
    const committed = catalog.shards();
    const isFresh = !this.#mustRewrite && this.#isFresh(partitions, committed);
    if (isFresh && (await folder.hasAll(committed.flatMap(({ files }) => files)))) return [];
    const set = await this.#stage(partition);
    await catalog.refresh();
    // Another member of the group has committed newer files meanwhile, which these would take the place of.
    if (isBehind(set, catalog.shards()) && !isBehind(set, committed)) return this.#bringUp(partition);
    if (committed.length === 0) await folder.refuseStrangers(set.files.map(({ name }) => name));
    const wanted = new Set(set.files.map(({ name }) => name));
    const before = committed.flatMap(({ files }) => files.map(({ name }) => name));
    const outputs = set.descriptors.map((descriptor): OutputRecord => {
      return {
        ...{ topic: names.shardsTopic, partition: descriptor.partition, key: Buffer.from(descriptor.name) },
        // Encoded values share memory with others, and this one may wait.
        value: Uint8Array.from(this.#options.codec.encodeShardDescriptor(descriptor)),
      };
    });
    this.#pending = { partition, set, outputs, obsolete: before.filter((name) => !wanted.has(name)) };
    this.#mustRewrite = false;
    return outputs;
  }

  async #stage(partition: number): Promise<StagedSet> {
    const { folder } = this.#options;
    for (let race = 1; ; race++) {
      await folder.clearStaging(partition);
      try {
        return await stageSingleFile(this.#options, await this.#partitions(), folder.stagingPath(partition));
      } catch (error) {
        if (failureOutcome(error) !== 'retry' || race === MAX_RACES) throw error;
      }
    }
  }

  async #partitions(): Promise<readonly PartitionInfo[]> {
    const { log, names } = this.#options;
    return (await log.topics()).find(({ name }) => name === names.input)?.partitionInfo ?? [];
  }

  #isFresh(partitions: readonly PartitionInfo[], descriptors: readonly ShardDescriptor[]): boolean {
    return partitions.every(({ partition, endOffset }) =>
      descriptors.some(
        (each) =>
          each.partition === partition && each.lastOffset === endOffset - 1 && each.format === this.#options.form,
      ),
    );
  }
}

function isBehind({ descriptors }: StagedSet, committed: readonly ShardDescriptor[]): boolean {
  return descriptors.some(({ partition, lastOffset }) =>
    committed.some((each) => each.partition === partition && each.lastOffset > lastOffset),
  );
}
