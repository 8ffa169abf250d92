import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, withFileFaults } from './file-fault.ts';
import { batchStem } from './batch-names.ts';
import { publishFile, syncFolder } from './publish.ts';
import { folderSegment, parseShardName, partitionPrefix } from './shard-name.ts';
import { stagedName } from './staged-file.ts';
import { fatalError } from '../errors.ts';
import type { ShardDescriptor, ShardFile } from '../record/types.ts';

const STAGING = '.staging';

/** Names of the shards and batch files that lie in a folder, whoever wrote them; none when there is no such folder. */
export async function shardsInFolder(path: string): Promise<string[]> {
  const files = await withFileFaults(`Listing ${path}`, async () => {
    try {
      return await readdir(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
  const names = files.map((file) => file.replace(/(?:\.metadata)?\.(?:parquet|npy)$/, ''));
  return [...new Set(names)]
    .filter((name) => parseShardName(name) !== undefined || batchStem(name) !== undefined)
    .sort();
}

/** `<out>/<format>/<model>/` with the published shards, and in `.staging/<sink>/<topic>+<partition>/` the others. */
export class ShardFolder {
  readonly path: string;
  readonly #sink: string;

  constructor(out: string, format: string, model: string, sink: string) {
    this.path = resolve(out, format, folderSegment(model));
    this.#sink = sink;
  }

  stagingPath(topic: string, partition: number): string {
    return join(this.path, STAGING, folderSegment(this.#sink), partitionPrefix(topic, partition));
  }

  async makeStaging(topic: string, partition: number): Promise<void> {
    const staging = this.stagingPath(topic, partition);
    const made = await withFileFaults(`Making ${staging}`, () => mkdir(staging, { recursive: true }));
    if (made === undefined) return;
    // Every new folder's name has to be durable, too, before a commit relies on what is in it.
    for (let folder = dirname(staging); folder.length >= dirname(made).length; folder = dirname(folder)) {
      await syncFolder(folder);
      if (folder === dirname(folder)) break;
    }
  }

  /** Gives every file of committed shards its name. Staged files that are gone must be published already. */
  async publish(shards: readonly ShardDescriptor[]): Promise<void> {
    for (const shard of shards) for (const file of shard.files) await this.#publishFile(shard, file);
    if (shards.length > 0) await syncFolder(this.path);
  }

  /**
   * Start or takeover of a partition: what is committed is published, also what a crash has left half published, and
   * what is staged but not committed is removed. Errors: FILE_SINK_SHARD_MISSING, FILE_SINK_OBSTRUCTED.
   */
  async restore(topic: string, partition: number, committed: readonly ShardDescriptor[]): Promise<void> {
    await this.makeStaging(topic, partition);
    await this.publish(await this.#unpublished(topic, partition, committed));
    const staging = this.stagingPath(topic, partition);
    await withFileFaults(`Clearing ${staging}`, async () => {
      for (const name of await readdir(staging)) await rm(join(staging, name), { force: true });
    });
  }

  async #unpublished(
    topic: string,
    partition: number,
    committed: readonly ShardDescriptor[],
  ): Promise<ShardDescriptor[]> {
    const staged = new Set(await readdir(this.stagingPath(topic, partition)));
    const result: ShardDescriptor[] = [];
    for (const shard of committed) {
      let whole = true;
      for (const file of shard.files) {
        if (staged.has(stagedName(file.name, file.sha256)) || !(await this.#isPublished(file))) whole = false;
      }
      if (!whole) result.push(shard);
    }
    return result;
  }

  async #isPublished(file: ShardFile): Promise<boolean> {
    try {
      return (await stat(join(this.path, file.name))).size === file.bytes;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #publishFile(shard: ShardDescriptor, file: ShardFile): Promise<void> {
    const stagedPath = join(this.stagingPath(shard.topic, shard.partition), stagedName(file.name, file.sha256));
    try {
      await publishFile(stagedPath, this.path, file);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // A new owner of the partition may have published it, or a crash came after the rename.
      if (await this.#isPublished(file)) return;
      throw fatalError(
        'FILE_SINK_SHARD_MISSING',
        `${join(this.path, file.name)} is committed on the log, but it is missing or damaged. ` +
          'Run "replay" with the same --out and --model to write the output again from the log.',
      );
    }
  }
}
