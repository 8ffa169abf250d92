import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { readParquet } from '../../../src/sinks/readers/read-parquet.ts';
import { describeOutputContract } from '../../contracts/store.ts';
import { describeWithService, s3Environment, s3Server } from '../../services/index.ts';
import { latestRows } from '../latest-rows.ts';
import { TestBucket } from './test-bucket.ts';

describeWithService('s3', 'shards in a bucket', () => {
  const environment: Record<string, string> = {};
  beforeAll(async () => {
    Object.assign(environment, s3Environment(await s3Server()));
  }, 300_000);

  describeOutputContract({
    name: 'parquet',
    isStore: false,
    environment,
    async create() {
      const bucket = await TestBucket.create(await s3Server());
      return {
        flags: () => [`--out=${bucket.url}/a/b`, '--shard-rows=100'],
        contents: (model) =>
          bucket.copied((folder) => latestRows(join(folder, 'a', 'b', 'parquet', model), readParquet)),
        dispose: () => {
          bucket.close();
          return Promise.resolve();
        },
      };
    },
  });
});
