import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embedding, shardRows, temporaryFolder } from './fixtures.ts';
import { fileFault } from '../../src/sinks/file-fault.ts';
import { publishFile, sha256OfFile } from '../../src/sinks/publish.ts';
import { StagedFileWriter } from '../../src/sinks/staged-file.ts';
import { createShardFormat } from '../../src/sinks/worker-format.ts';

describe('StagedFileWriter', () => {
  it('takes the checksum while it writes, also of a head that is rewritten', async () => {
    const folder = temporaryFolder();
    const file = new StagedFileWriter(folder);
    file.write(Buffer.from('head'));
    file.write(Buffer.alloc(3_000_000, 7));
    file.rewriteHead(Buffer.from('HEAD'));
    const staged = file.finish('x.bin');
    expect(readFileSync(staged.stagedPath).subarray(0, 5).toString('latin1')).toBe('HEAD\x07');
    expect([staged.bytes, staged.sha256]).toEqual([3_000_004, await sha256OfFile(staged.stagedPath)]);
    expect(staged.stagedPath).toBe(join(folder, `x.bin.${staged.sha256.slice(0, 16)}`));
  });

  it('says that another process has taken over when its file is gone', () => {
    const folder = temporaryFolder();
    const file = new StagedFileWriter(folder);
    file.write(Buffer.from('x'));
    rmSync(file.path);
    expect(() => file.finish('x.bin')).toThrow(expect.objectContaining({ code: 'FILE_SINK_STAGING_LOST' }));
  });

  it('says that the disk is full', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(fileFault('Writing x', full)).toMatchObject({
      code: 'FILE_SINK_DISK_FULL',
      retriable: false,
      poison: false,
    });
    const quota = Object.assign(new Error('EDQUOT'), { code: 'EDQUOT' });
    expect(fileFault('Writing x', quota).code).toBe('FILE_SINK_DISK_FULL');
  });
});

/** A file system of one megabyte; undefined where we may not mount one. */
function tinyFileSystem(): string | undefined {
  const folder = temporaryFolder();
  const mounted = join(folder, 'mounted');
  mkdirSync(mounted);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', mounted]);
  });
  return mounted;
}

describe.each(['parquet', 'npy'] as const)('%s on a disk that is full', (format) => {
  it('rejects with FILE_SINK_DISK_FULL and leaves nothing when aborted', async (context) => {
    const folder = tinyFileSystem();
    if (folder === undefined) return context.skip('no right to mount a small file system');
    const shards = createShardFormat({ format });
    onTestFinished(() => shards.close());
    const writer = await shards.open({ stagingFolder: folder, dimension: 64, model: 'tiny' });
    const writeAll = async (): Promise<void> => {
      for (let i = 0; i < 20; i++)
        await writer.write(shardRows(Array.from({ length: 500 }, (_, j) => embedding(j, 64))));
      await writer.finish('x');
    };
    await expect(writeAll()).rejects.toMatchObject({ code: 'FILE_SINK_DISK_FULL' });
    await writer.abort();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('publishFile', () => {
  const file = { name: 'a', bytes: 3, sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' };

  it('never overwrites', async () => {
    const folder = temporaryFolder();
    const staged = join(folder, 'staged');
    writeFileSync(staged, 'abc');
    writeFileSync(join(folder, 'a'), 'xyz');
    await expect(publishFile(staged, folder, file)).rejects.toMatchObject({ code: 'FILE_SINK_OBSTRUCTED' });
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('xyz');
    writeFileSync(join(folder, 'a'), 'abc');
    await publishFile(staged, folder, file);
    expect(readdirSync(folder)).toEqual(['a']);
    await expect(publishFile(staged, folder, file)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
