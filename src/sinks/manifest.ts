import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileFaults } from './file-fault.ts';
import { syncFolder } from './publish.ts';
import type { ShardDescriptor } from '../record/types.ts';

/** The underscore keeps it out of the way of readers that open a whole folder (pyarrow, pandas, Spark). */
export const MANIFEST_NAME = '_manifest.json';

export type ManifestShard = Omit<ShardDescriptor, 'sink' | 'format' | 'location' | 'model' | 'dimension'>;

/** What the manifest says, for readers that have no log. */
export interface Manifest {
  readonly version: 1;
  readonly format: string;
  readonly sink: string;
  readonly model: string;
  readonly dimension: number;
  readonly fingerprints: readonly string[];
  readonly rows: number;
  readonly deletions: number;
  /** How shards add up: an append log, or one clean set. */
  readonly semantics: string;
  /** One line of Python. */
  readonly howToRead: string;
  readonly shards: readonly ManifestShard[];
}

export interface ManifestOptions {
  readonly format: string;
  readonly sink: string;
  readonly model: string;
  readonly dimension: number;
  readonly howToRead: string;
  readonly semantics: string;
}

export const APPEND_LOG =
  'An id may come again: the row with the later offset (shards of one partition in order) wins; ' +
  'ids listed in _<shard>.deletions.jsonl are deleted from that offset on.';

/** Pure: the manifest of shards that are in order. */
export function buildManifest(options: ManifestOptions, shards: readonly ShardDescriptor[]): Manifest {
  const sum = (of: (shard: ShardDescriptor) => number): number => shards.reduce((total, shard) => total + of(shard), 0);
  return {
    version: 1,
    format: options.format,
    sink: options.sink,
    model: options.model,
    dimension: options.dimension,
    fingerprints: [...new Set(shards.flatMap((shard) => shard.fingerprints))].sort(),
    rows: sum((shard) => shard.rows),
    deletions: sum((shard) => shard.deletions),
    semantics: options.semantics,
    howToRead: options.howToRead,
    shards: shards.map(
      ({ name, topic, partition, firstOffset, lastOffset, rows, deletions, fingerprints, files, createdAt }) => ({
        ...{ name, topic, partition, firstOffset, lastOffset, rows, deletions, fingerprints },
        files: files.map((file) => ({ name: file.name, bytes: file.bytes, sha256: file.sha256 })),
        createdAt,
      }),
    ),
  };
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** Gives a small file new contents in one step. */
export async function replaceText(folder: string, name: string, text: string): Promise<void> {
  const target = join(folder, name);
  const temporary = join(folder, `.${name}.${randomBytes(6).toString('hex')}`);
  await withFileFaults(`Writing ${target}`, async () => {
    try {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  });
  await syncFolder(folder);
}
