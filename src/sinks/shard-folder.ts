import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, fileFault, withFileFaults } from './file-fault.ts';
import { replaceText } from './manifest.ts';
import type { StagedShard } from './open-shard.ts';
import { publishFile, syncFolder } from './publish.ts';
import { verifyShardFile } from './readers/verify-shard.ts';
import { folderSegment, partitionPrefix } from './shard-name.ts';
import type { LocalFile, ShardFileFault, ShardReader, ShardStore } from './shard-store.ts';
import { stagedName } from './staged-file.ts';
import { fatalError } from '../errors.ts';
import type { ShardDescriptor, ShardFile } from '../record/types.ts';

const STAGING = '.staging';

/** Shards in a folder of this machine, for who reads them. */
export class FolderReader implements ShardReader {
  readonly location: string;

  /** `path`: absolute. */
  constructor(path: string) {
    this.location = path;
  }

  async list(): Promise<string[] | undefined> {
    return withFileFaults(`Listing ${this.location}`, async () => {
      try {
        return await readdir(this.location);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  verify(file: ShardFile): Promise<ShardFileFault | undefined> {
    return verifyShardFile(this.location, file);
  }

  async open(name: string): Promise<LocalFile | undefined> {
    const path = join(this.location, name);
    try {
      await stat(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileFault(`Reading ${path}`, error);
    }
    return { path, release: () => Promise.resolve() };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** `<out>/<format>/<model>/` with the published shards, and in `.staging/<sink>/<topic>+<partition>/` the others. */
export class ShardFolder extends FolderReader implements ShardStore {
  readonly #sink: string;

  constructor(path: string, sink: string) {
    super(path);
    this.#sink = sink;
  }

  stagingPath(topic: string, partition: number): string {
    return join(this.location, STAGING, folderSegment(this.#sink), partitionPrefix(topic, partition));
  }

  /** It lies beside where it will be, and whoever owns the partition finds it. */
  send({ descriptor }: StagedShard): Promise<ShardDescriptor> {
    return Promise.resolve(descriptor);
  }

  async remove(files: readonly ShardFile[]): Promise<void> {
    await withFileFaults(`Removing shards of ${this.location}`, async () => {
      for (const { name } of files) await rm(join(this.location, name), { force: true });
    });
  }

  replaceText(name: string, text: string): Promise<void> {
    return replaceText(this.location, name, text);
  }

  async #makeStaging(topic: string, partition: number): Promise<void> {
    const staging = this.stagingPath(topic, partition);
    const made = await withFileFaults(`Making ${staging}`, () => mkdir(staging, { recursive: true }));
    if (made === undefined) return;
    // Every new folder's name has to be durable, too, before a commit relies on what is in it.
    for (let folder = dirname(staging); folder.length >= dirname(made).length; folder = dirname(folder)) {
      await syncFolder(folder);
      if (folder === dirname(folder)) break;
    }
  }

  async publish(shards: readonly ShardDescriptor[]): Promise<void> {
    for (const shard of shards) for (const file of shard.files) await this.#publishFile(shard, file);
    if (shards.length > 0) await syncFolder(this.location);
  }

  async restore(topic: string, partition: number, committed: readonly ShardDescriptor[]): Promise<void> {
    await this.#makeStaging(topic, partition);
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
      return (await stat(join(this.location, file.name))).size === file.bytes;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #publishFile(shard: ShardDescriptor, file: ShardFile): Promise<void> {
    const stagedPath = join(this.stagingPath(shard.topic, shard.partition), stagedName(file.name, file.sha256));
    try {
      await publishFile(stagedPath, this.location, file);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // A new owner of the partition may have published it, or a crash came after the rename.
      if (await this.#isPublished(file)) return;
      throw fatalError(
        'FILE_SINK_SHARD_MISSING',
        `${join(this.location, file.name)} is committed on the log, but it is missing or damaged. ` +
          'Run "replay" with the same --out and --model to write the output again from the log.',
      );
    }
  }
}
