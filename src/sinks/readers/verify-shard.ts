import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShardDescriptor, ShardFile } from '../../record/types.ts';
import { errnoOf, fileFault } from '../file-fault.ts';
import { KEYS_SUFFIX } from '../json/jsonl-encoder.ts';
import { DELETIONS_SUFFIX } from '../open-shard.ts';
import type { ShardKey } from './read-parquet.ts';
import { sha256OfFile } from '../publish.ts';
import type { ShardFileFault } from '../shard-store.ts';

/** undefined: the file is there with the size and the SHA-256 that the log says. */
export async function verifyShardFile(folder: string, file: ShardFile): Promise<ShardFileFault | undefined> {
  const path = join(folder, file.name);
  try {
    if ((await stat(path)).size !== file.bytes) return 'size';
    return (await sha256OfFile(path)) === file.sha256 ? undefined : 'checksum';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'missing';
    throw fileFault(`Reading ${path}`, error);
  }
}

/** The deletions that a shard lists, in offset order. */
export async function readShardDeletions(folder: string, shard: ShardDescriptor): Promise<readonly ShardKey[]> {
  const name = deletionsFileOf(shard);
  if (name === undefined) return [];
  const text = await readFile(join(folder, name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ShardKey);
}

/** The file of a shard that lists deletions; undefined when it has none. */
export function deletionsFileOf(shard: ShardDescriptor): string | undefined {
  return shard.files.find(({ name }) => name.endsWith(DELETIONS_SUFFIX))?.name;
}

/** The file of a shard that holds ids and offsets, for `readShardKeys`; undefined when it has only deletions. */
export function idFileOf(shard: ShardDescriptor): string | undefined {
  return shard.files.find(({ name }) => name.endsWith('.parquet') || name.endsWith(KEYS_SUFFIX))?.name;
}
