import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../record/identity.ts';
import { errnoOf, withFileFaults } from '../file-fault.ts';

const NAME = /^embedstream-staging-([0-9a-f]{8})-(\d+)-[0-9a-f]+$/;

/** Where one process stages shards for a bucket, in the system's temporary folder (TMPDIR). */
export class BucketStaging {
  readonly path: string;
  readonly #place: string;

  constructor(location: string) {
    this.#place = sha256(location).toString('hex').slice(0, 8);
    this.path = join(tmpdir(), `embedstream-staging-${this.#place}-${process.pid}-${randomBytes(4).toString('hex')}`);
  }

  /** An empty folder; what processes have left that were killed while they wrote to the same place is removed. */
  async empty(folder: string): Promise<void> {
    await withFileFaults(`Making ${folder}`, async () => {
      for (const name of await readdir(tmpdir())) {
        const [, place, pid] = NAME.exec(name) ?? [];
        if (place === this.#place && !isRunning(Number(pid)))
          await rm(join(tmpdir(), name), { recursive: true, force: true });
      }
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
    });
  }

  close(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
