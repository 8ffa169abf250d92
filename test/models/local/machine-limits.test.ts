import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { machineLimits } from '../../../src/models/local/machine-limits.ts';

const MIB = 1024 ** 2;
const machine = { cores: 16, memoryBytes: 64 * 1024 * MIB };

/** A root folder of these files. */
async function rootOf(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'embedstream-cgroup-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `${text}\n`);
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

const v1 = '12:cpu,cpuacct:/docker/ab12\n7:memory:/docker/ab12\n1:name=systemd:/docker/ab12';

it.each([
  ['no container', {}, 16, 64 * 1024],
  [
    'v2 without limits',
    { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': 'max 100000', 'sys/fs/cgroup/memory.max': 'max' },
    16,
    64 * 1024,
  ],
  [
    'v2 in its own namespace',
    {
      'proc/self/cgroup': '0::/',
      'sys/fs/cgroup/cpu.max': '250000 100000',
      'sys/fs/cgroup/memory.max': String(512 * MIB),
    },
    2,
    512,
  ],
  ['v2, less than one core', { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': '50000 100000' }, 1, 64 * 1024],
  [
    'v2 on the host, limited by the slice above and by its own unit',
    {
      'proc/self/cgroup': '0::/system.slice/embed.service',
      'sys/fs/cgroup/system.slice/cpu.max': '400000 100000',
      'sys/fs/cgroup/system.slice/memory.max': String(4096 * MIB),
      'sys/fs/cgroup/system.slice/embed.service/cpu.max': '800000 100000',
      'sys/fs/cgroup/system.slice/embed.service/memory.max': String(1024 * MIB),
    },
    4,
    1024,
  ],
  [
    'v1 as a container sees it: the host path, the mount of its own',
    {
      'proc/self/cgroup': v1,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': String(2048 * MIB),
    },
    3,
    2048,
  ],
  [
    'v1 with a folder a controller, and the path that is named',
    {
      'proc/self/cgroup': v1,
      'sys/fs/cgroup/cpu/docker/ab12/cpu.cfs_quota_us': '150000',
      'sys/fs/cgroup/cpu/docker/ab12/cpu.cfs_period_us': '50000',
      'sys/fs/cgroup/memory/docker/ab12/memory.limit_in_bytes': String(256 * MIB),
    },
    3,
    256,
  ],
  [
    'v1 without limits',
    {
      'proc/self/cgroup': v1,
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    },
    16,
    64 * 1024,
  ],
])('%s', async (_, files, cores, mebibytes) => {
  await using folder = await rootOf(files);
  expect(machineLimits({ ...machine, root: folder.root })).toEqual({ cores, memoryBytes: mebibytes * MIB });
});

it('never finds more than this machine has', () => {
  const { cores, memoryBytes } = machineLimits();
  expect(cores).toBeGreaterThanOrEqual(1);
  expect(cores).toBeLessThanOrEqual(availableParallelism());
  expect(memoryBytes).toBeGreaterThan(0);
  expect(memoryBytes).toBeLessThanOrEqual(totalmem());
});
