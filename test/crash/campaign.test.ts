import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { topicNames } from '../../src/log/topics.ts';
import type { EmbeddingRow } from '../../src/sinks/readers/embedding-rows.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';
import { writeParquet } from '../../src/sinks/write-rows.ts';
import { run, runCampaign } from './campaign.ts';

it('loses and doubles nothing under kill -9, and reconcile notices whatever is taken away by hand', async () => {
  const result = await runCampaign({ rounds: 6, rowsPerRound: 400, seed: 7, model: 'hashed-384', killWithinMs: 1200 });
  expect(result.kills).toBeGreaterThan(0);
  expect(result.rows).toBe(2400 - Math.floor(2400 / 97));
  const reconcile = async (): Promise<[number | null, string]> => {
    const { code, output } = await run(['reconcile', ...result.arguments]);
    return [code, output];
  };
  const shards = (await readdir(result.shardFolder)).filter((name) => name.endsWith('.parquet'));
  const shard = join(result.shardFolder, shards[0] ?? '');

  await rename(shard, `${shard}.away`);
  expect(await reconcile()).toEqual([1, expect.stringContaining('shard-missing')]);
  const rows: EmbeddingRow[] = [];
  for await (const row of readParquet(`${shard}.away`)) rows.push(row);
  await writeParquet(shard, rows.slice(1));
  expect(await reconcile()).toEqual([1, expect.stringMatching(/shard-damaged[^]*sink-missing[^]*\b1\b/)]);
  await rename(`${shard}.away`, shard);
  expect((await reconcile())[0]).toBe(0);

  const log = await createEmbeddedLog({ dataDir: (result.arguments[0] ?? '').replace('--data-dir=', '') });
  const producer = await log.producer('by-hand');
  const ledger = topicNames('embedstream').ledger('hashed-384');
  await producer.append([{ topic: ledger, key: Buffer.from('77'), value: null }]);
  await producer.close();
  await log.close();
  expect(await reconcile()).toEqual([1, expect.stringMatching(/not-processed[^]*\b77\b/)]);
  await rm(result.folder, { recursive: true });
}, 360_000);
