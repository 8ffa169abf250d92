import { join } from 'node:path';
import type { EmbeddingRow } from '../../src/sinks/readers/embedding-rows.ts';
import { readNpy } from '../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';
import { describeOutputContract } from '../contracts/store.ts';
import { latestRows } from './latest-rows.ts';

const READERS: Readonly<Record<string, (folder: string) => AsyncIterable<EmbeddingRow>>> = {
  parquet: readParquet,
  npy: readNpy,
};

for (const [name, read] of Object.entries(READERS))
  describeOutputContract({
    name,
    isStore: false,
    create: (folder) =>
      Promise.resolve({
        flags: () => [`--out=${folder}`, '--shard-rows=100'],
        contents: (model) => latestRows(join(folder, name, model), read),
      }),
  });
