import { dirname } from 'node:path';
import { failureOutcome } from '../../errors.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import { openShardReader } from '../../sinks/open-shard-store.ts';
import { readKeysFile } from '../../sinks/readers/read-keys.ts';
import { readShardKeys, type ShardKeys } from '../../sinks/readers/read-parquet.ts';
import { deletionsFileOf, idFileOf, readShardDeletions } from '../../sinks/readers/verify-shard.ts';
import type { ShardReader } from '../../sinks/shard-store.ts';
import { VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import type { Differences } from './differences.ts';
import type { RewritePlan } from './rewrite-plan.ts';

/** Where the shards of a sink lie, opened once each. */
export class ShardPlaces {
  readonly #environment: ReconcileContext['environment'];
  readonly #readers = new Map<string, ShardReader>();

  constructor({ environment }: Pick<ReconcileContext, 'environment'>) {
    this.#environment = environment;
  }

  of({ location }: Pick<ShardDescriptor, 'location'>): ShardReader {
    const reader = this.#readers.get(location) ?? openShardReader(location, this.#environment);
    this.#readers.set(location, reader);
    return reader;
  }

  /** Locations of the shards that are not there. */
  async missing(shards: readonly ShardDescriptor[]): Promise<string[]> {
    const missing: string[] = [];
    for (const location of new Set(shards.map((shard) => shard.location)))
      if ((await this.of({ location }).list()) === undefined) missing.push(location);
    return missing;
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) await reader.close();
  }
}

/** What all shards of a sink hold; an embedding that is there twice, or whose file is not the committed one, is a difference. */
export async function readShardColumns(
  { ids, signal }: ReconcileContext,
  places: ShardPlaces,
  shards: readonly ShardDescriptor[],
  differences: Differences,
  plan: RewritePlan,
): Promise<VersionColumns> {
  const written = new VersionColumns(ids.expected);
  // Hashing and reading one file take turns on this thread, while the next bytes come from the disk.
  for (const shard of shards) {
    signal?.throwIfAborted();
    const [faults] = await Promise.all([fileFaults(places, shard), readShard(shard)]);
    for (const { kind, name } of faults) differences.add(kind, name);
    if (faults.length > 0) plan.shard(shard);
  }
  return written;

  async function readShard(shard: ShardDescriptor): Promise<void> {
    const { partition } = shard;
    for await (const { rows, ids: bytes, idStarts, offsets } of rowsOf(places, shard))
      for (let row = 0; row < rows; row++) {
        const index = ids.add(bytes, idStarts[row], idStarts[row + 1]);
        if (written.setNewer(index, partition, offsets[row] ?? -1, true)) continue;
        differences.addNumbered('sink-twice', index);
        plan.partitionOf(index, written);
      }
    for (const { id, offset } of await deletionsOf(places, shard))
      written.setNewer(ids.add(Buffer.from(id)), partition, offset, false);
  }
}

/** Ids of all rows of the shards, for `nameDifferences`. */
export async function* keysOfShards(
  places: ShardPlaces,
  shards: readonly ShardDescriptor[],
): AsyncGenerator<Uint8Array[]> {
  for (const shard of shards)
    for await (const { rows, ids, idStarts } of rowsOf(places, shard))
      yield Array.from({ length: rows }, (_, row) => ids.subarray(idStarts[row], idStarts[row + 1]));
}

async function fileFaults(
  places: ShardPlaces,
  shard: ShardDescriptor,
): Promise<{ readonly kind: 'shard-missing' | 'shard-damaged'; readonly name: string }[]> {
  const faults: Awaited<ReturnType<typeof fileFaults>> = [];
  for (const file of shard.files) {
    const fault = await places.of(shard).verify(file);
    if (fault !== undefined)
      faults.push({ kind: fault === 'missing' ? 'shard-missing' : 'shard-damaged', name: file.name });
  }
  return faults;
}

async function* rowsOf(places: ShardPlaces, shard: ShardDescriptor): AsyncGenerator<ShardKeys> {
  const idFile = idFileOf(shard);
  const file = idFile === undefined ? undefined : await places.of(shard).open(idFile);
  if (file === undefined) return;
  try {
    yield* file.path.endsWith('.parquet') ? readShardKeys(file.path) : readKeysFile(file.path);
  } catch (error) {
    refuseRetriable(error);
  } finally {
    await file.release();
  }
}

async function deletionsOf(places: ShardPlaces, shard: ShardDescriptor): ReturnType<typeof readShardDeletions> {
  const deletions = deletionsFileOf(shard);
  const file = deletions === undefined ? undefined : await places.of(shard).open(deletions);
  if (file === undefined) return [];
  try {
    return await readShardDeletions(dirname(file.path), shard);
  } catch (error) {
    refuseRetriable(error);
    return [];
  } finally {
    await file.release();
  }
}

/** A damaged or missing file is among the differences by its checksum, and its ids will be missing. */
function refuseRetriable(error: unknown): void {
  if (failureOutcome(error) === 'retry') throw error;
}
