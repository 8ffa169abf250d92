import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withFileFaults } from './file-fault.ts';
import { MANIFEST_NAME, replaceText } from './manifest.ts';
import type { StagedShard } from './open-shard.ts';
import { publishFile, syncFolder } from './publish.ts';
import type { NewShardFolder } from './shard-store.ts';
import { UsageError } from '../errors.ts';

/** A folder that is filled under a hidden name beside its own. */
export class NewFolder implements NewShardFolder {
  readonly location: string;
  readonly stagingFolder: string;

  private constructor(location: string) {
    this.location = location;
    this.stagingFolder = join(dirname(location), `.${basename(location)}.${randomBytes(6).toString('hex')}`);
  }

  /** `location`: absolute. */
  static async make(location: string): Promise<NewFolder> {
    if ((await stat(location).catch(() => undefined)) !== undefined)
      throw new UsageError(`${location} is there already; a snapshot goes to a new folder.`);
    const folder = new NewFolder(location);
    const { stagingFolder } = folder;
    await withFileFaults(`Making ${stagingFolder}`, () => mkdir(stagingFolder, { recursive: true }));
    return folder;
  }

  async add({ descriptor, stagedPaths }: StagedShard): Promise<void> {
    for (const [i, file] of descriptor.files.entries())
      await publishFile(stagedPaths[i] ?? '', this.stagingFolder, file);
  }

  async appear(manifest: string): Promise<void> {
    // This also makes the names in the folder durable.
    await replaceText(this.stagingFolder, MANIFEST_NAME, manifest);
    await withFileFaults(`Publishing ${this.location}`, () => rename(this.stagingFolder, this.location));
    await syncFolder(dirname(this.location));
  }

  async close(): Promise<void> {
    await rm(this.stagingFolder, { recursive: true, force: true });
  }
}
