import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { hasFile } from '../catalog/folder-files.ts';
import { listingSchema, type RepositoryListing } from './repository-listing.ts';

/**
 * A repository in the cache, laid out as Python's huggingface_hub does, so that each uses what the other has downloaded:
 * `models--owner--name/blobs/<hash>`, `refs/<branch>` with a commit in it, and `snapshots/<commit>/<path>` as links to
 * the blobs. Beside these `embedstream/<commit>.json` has what the repository holds, so that a start asks nobody.
 */
export class RepositoryCache {
  readonly #folder: string;
  /** Held by whoever downloads into it. */
  readonly lockPath: string;

  constructor(cacheFolder: string, repository: string) {
    const name = `models--${repository.replaceAll('/', '--')}`;
    this.#folder = join(cacheFolder, name);
    this.lockPath = join(cacheFolder, '.locks', name, 'embedstream.lock');
  }

  snapshotFolder(commit: string): string {
    return join(this.#folder, 'snapshots', commit);
  }

  blobPath(hash: string): string {
    return join(this.#folder, 'blobs', hash);
  }

  /** The commit that a branch or tag was at when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readText(join(this.#folder, 'refs', revision));
    return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
  }

  async recordCommit(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    await writeWhole(join(this.#folder, 'refs', revision), commit);
  }

  async listing(commit: string): Promise<RepositoryListing | undefined> {
    const text = await readText(this.#listingPath(commit));
    // One that can't be read is fetched again.
    const parsed = text === undefined ? undefined : listingSchema.safeParse(jsonOf(text));
    return parsed?.success === true ? parsed.data : undefined;
  }

  async recordListing(listing: RepositoryListing): Promise<void> {
    await writeWhole(this.#listingPath(listing.commit), JSON.stringify(listing));
  }

  async missing(commit: string, files: readonly string[]): Promise<string[]> {
    const folder = this.snapshotFolder(commit);
    const present = await Promise.all(files.map((file) => hasFile(folder, file)));
    return files.filter((_, index) => present[index] !== true);
  }

  async hasBlob(hash: string, bytes: number): Promise<boolean> {
    try {
      return (await stat(this.blobPath(hash))).size === bytes;
    } catch {
      return false; // not an error: it is downloaded then
    }
  }

  /** Makes a blob a file of a snapshot. */
  async link(commit: string, path: string, hash: string): Promise<void> {
    const target = join(this.snapshotFolder(commit), path);
    const blob = this.blobPath(hash);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    try {
      await symlink(relative(dirname(target), blob), target);
    } catch {
      // Windows lets only some users make links: the file is then there twice.
      await copyFile(blob, `${target}.incomplete`);
      await rename(`${target}.incomplete`, target);
    }
  }

  #listingPath(commit: string): string {
    return join(this.#folder, 'embedstream', `${commit}.json`);
  }
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined; // not there, or not for us: what it says is asked of the hub
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Another process sees all of it, or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${String(process.pid)}.incomplete`;
  await writeFile(draft, text);
  await rename(draft, path);
}
