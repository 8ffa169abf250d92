import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failureOutcome } from '../../errors.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import { errnoOf } from '../../sinks/file-fault.ts';
import { readKeysFile } from '../../sinks/readers/read-keys.ts';
import { readShardKeys, type ShardKeys } from '../../sinks/readers/read-parquet.ts';
import { idFileOf, readShardDeletions, verifyShardFile } from '../../sinks/readers/verify-shard.ts';
import { VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import type { Differences } from './differences.ts';
import type { RewritePlan } from './rewrite-plan.ts';

/** What all shards of a sink hold; an embedding that is there twice, or whose file is not the committed one, is a difference. */
export async function readShardColumns(
  { ids, signal }: ReconcileContext,
  shards: readonly ShardDescriptor[],
  differences: Differences,
  plan: RewritePlan,
): Promise<VersionColumns> {
  const written = new VersionColumns(ids.expected);
  // Hashing and reading one file take turns on this thread, while the next bytes come from the disk.
  for (const shard of shards) {
    signal?.throwIfAborted();
    const [faults] = await Promise.all([fileFaults(shard), readShard(shard)]);
    for (const { kind, name } of faults) differences.add(kind, name);
    if (faults.length > 0) plan.shard(shard);
  }
  return written;

  async function readShard(shard: ShardDescriptor): Promise<void> {
    const { partition } = shard;
    for await (const { rows, ids: bytes, idStarts, offsets } of rowsOf(shard))
      for (let row = 0; row < rows; row++) {
        const index = ids.add(bytes, idStarts[row], idStarts[row + 1]);
        if (written.setNewer(index, partition, offsets[row] ?? -1, true)) continue;
        differences.addNumbered('sink-twice', index);
        plan.partitionOf(index, written);
      }
    for (const { id, offset } of await deletionsOf(shard))
      written.setNewer(ids.add(Buffer.from(id)), partition, offset, false);
  }
}

/** Ids of all rows of the shards, for `nameDifferences`. */
export async function* keysOfShards(shards: readonly ShardDescriptor[]): AsyncGenerator<Uint8Array[]> {
  for (const shard of shards)
    for await (const { rows, ids, idStarts } of rowsOf(shard))
      yield Array.from({ length: rows }, (_, row) => ids.subarray(idStarts[row], idStarts[row + 1]));
}

/** Folders of the shards that are not there. */
export async function missingFolders(shards: readonly ShardDescriptor[]): Promise<string[]> {
  const missing: string[] = [];
  for (const location of new Set(shards.map((shard) => shard.location)))
    try {
      await stat(location);
    } catch (error) {
      // What is there but can't be read fails with its own message when it is.
      if (errnoOf(error) === 'ENOENT') missing.push(location);
    }
  return missing;
}

async function fileFaults(
  shard: ShardDescriptor,
): Promise<{ readonly kind: 'shard-missing' | 'shard-damaged'; readonly name: string }[]> {
  const faults: Awaited<ReturnType<typeof fileFaults>> = [];
  for (const file of shard.files) {
    const fault = await verifyShardFile(shard.location, file);
    if (fault !== undefined)
      faults.push({ kind: fault === 'missing' ? 'shard-missing' : 'shard-damaged', name: file.name });
  }
  return faults;
}

async function* rowsOf(shard: ShardDescriptor): AsyncGenerator<ShardKeys> {
  const idFile = idFileOf(shard);
  if (idFile === undefined) return;
  try {
    const path = join(shard.location, idFile);
    yield* idFile.endsWith('.parquet') ? readShardKeys(path) : readKeysFile(path);
  } catch (error) {
    refuseRetriable(error);
  }
}

async function deletionsOf(shard: ShardDescriptor): ReturnType<typeof readShardDeletions> {
  try {
    return await readShardDeletions(shard.location, shard);
  } catch (error) {
    refuseRetriable(error);
    return [];
  }
}

/** A damaged or missing file is among the differences by its checksum, and its ids will be missing. */
function refuseRetriable(error: unknown): void {
  if (failureOutcome(error) === 'retry') throw error;
}
