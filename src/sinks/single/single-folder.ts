import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, withFileFaults } from '../file-fault.ts';
import type { StagedFile } from '../port.ts';
import { syncFolder } from '../publish.ts';
import { folderSegment } from '../shard-name.ts';
import { fatalError } from '../../errors.ts';
import type { ShardFile } from '../../record/types.ts';

/** `<out>/<form>/<model>/`, and in `.staging/<sink>/<partition>/` what whoever has that partition is writing. */
export class SingleFolder {
  readonly path: string;
  readonly #staging: string;

  constructor(path: string, sinkName: string) {
    this.path = path;
    this.#staging = join(path, '.staging', folderSegment(sinkName));
  }

  stagingPath(partition: number): string {
    return join(this.#staging, String(partition));
  }

  /** An empty one: what an earlier owner has left there can no more be published. */
  async clearStaging(partition: number): Promise<void> {
    const staging = this.stagingPath(partition);
    await withFileFaults(`Clearing ${staging}`, async () => {
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true });
    });
  }

  /** Each is there with the size that the log says; what is in it, `reconcile` tells. */
  async hasAll(files: readonly ShardFile[]): Promise<boolean> {
    for (const { name, bytes } of files) if ((await this.#sizeOf(name)) !== bytes) return false;
    return true;
  }

  /** Errors: FILE_SINK_OBSTRUCTED where a file of that name is there that is not of this log. */
  async refuseStrangers(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if ((await this.#sizeOf(name)) === undefined) continue;
      const what = `${join(this.path, name)} is there already and was not written from this log`;
      throw fatalError('FILE_SINK_OBSTRUCTED', `${what}. Move it away, or choose another --out.`);
    }
  }

  /** Replaces each file in one step. What is staged no more was taken over by a new owner, who writes it again. */
  async publish(files: readonly StagedFile[], obsolete: readonly string[]): Promise<void> {
    await withFileFaults(`Publishing in ${this.path}`, async () => {
      for (const { name, stagedPath } of files)
        try {
          await rename(stagedPath, join(this.path, name));
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error;
          return;
        }
      for (const name of obsolete) await rm(join(this.path, name), { force: true });
    });
    await syncFolder(this.path);
  }

  #sizeOf(name: string): Promise<number | undefined> {
    const path = join(this.path, name);
    return withFileFaults(`Looking at ${path}`, async () => {
      try {
        return (await stat(path)).size;
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }
}
