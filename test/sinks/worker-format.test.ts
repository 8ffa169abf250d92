import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { embedding, shardRows, temporaryFolder } from './fixtures.ts';
import { createShardFormat, EncoderThread } from '../../src/sinks/worker-format.ts';

const rows = () => shardRows([embedding(1, 4)]);

it('a shard whose thread has died is an error, never a shard without its rows', async () => {
  const format = createShardFormat({ format: 'parquet' });
  onTestFinished(() => format.close());
  const writer = await format.open({ stagingFolder: temporaryFolder(), dimension: 4, model: 'tiny' });
  await writer.write(rows());
  await format.close();
  const failure = { code: expect.stringMatching(/FILE_SINK_(WORKER|CLOSED)/) as string };
  await expect(writer.finish('x')).rejects.toMatchObject(failure);
});

it('a shard that was idle when its thread died is an error at the next row', async () => {
  const format = createShardFormat({ format: 'npy' });
  onTestFinished(() => format.close());
  const stagingFolder = temporaryFolder();
  const other = await format.open({ stagingFolder, dimension: 4, model: 'tiny' });
  const writer = await format.open({ stagingFolder, dimension: 4, model: 'tiny' });
  await other.abort();
  await format.close();
  const writeOn = async (): Promise<void> => {
    await writer.write(rows());
    await writer.finish('x');
  };
  await expect(writeOn()).rejects.toMatchObject({ code: 'FILE_SINK_WORKER' });
});

it('a folder that can not be written to is an error', async () => {
  const format = createShardFormat({ format: 'parquet' });
  onTestFinished(() => format.close());
  const stagingFolder = join(temporaryFolder(), 'missing');
  const writer = await format.open({ stagingFolder, dimension: 4, model: 'tiny' });
  await expect(writer.finish('x')).rejects.toMatchObject({ code: 'FILE_SINK_IO' });
});

it('more than eight megabytes on the way wait until some have arrived', async () => {
  const thread = new EncoderThread();
  const megabyte = 1 << 20;
  const first = Promise.withResolvers<undefined>();
  await thread.account(6 * megabyte, first.promise);
  let roomMade = false;
  const second = thread.account(6 * megabyte, new Promise(() => undefined)).then(() => (roomMade = true));
  await Promise.resolve();
  expect(roomMade).toBe(false);
  first.resolve(undefined);
  await second;
});
