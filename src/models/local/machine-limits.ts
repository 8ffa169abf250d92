import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, posix } from 'node:path';

/** What this process may use. */
export interface MachineLimits {
  /** At least 1; fractions of a core are left to others. */
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface MachineFacts {
  /** Cores that the scheduler lets this process run on. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** What stands for `/`: tests put a folder with /proc and /sys/fs/cgroup in its place. */
  readonly root: string;
}

/**
 * The machine's cores and memory, less what a container's limits (cgroup v2 or v1) take away. Read anew at each call:
 * limits may be changed while a container runs.
 */
export function machineLimits(facts: Partial<MachineFacts> = {}): MachineLimits {
  const { cores = availableParallelism(), memoryBytes = totalmem(), root = '/' } = facts;
  const groups = groupsOf(root);
  return {
    cores: Math.max(1, Math.floor(Math.min(cores, ...groups.map(coresOf)))),
    memoryBytes: Math.min(memoryBytes, ...groups.map(memoryOf)),
  };
}

interface ControlGroup {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly folder: string;
}

/**
 * The groups that this process is in, and those above them, whose limits hold as well. Within a container the path of
 * /proc/self/cgroup may be the host's, while what is mounted begins at the container's group: then only the top is there.
 */
function groupsOf(root: string): ControlGroup[] {
  const mounted = join(root, 'sys/fs/cgroup');
  return (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap((line): ControlGroup[] => {
    // hierarchy:controllers:path, where version 2 is hierarchy 0 without controllers.
    const [, hierarchy, names = '', path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    const isUnified = hierarchy === '0' && names === '';
    const controllers = names.split(',');
    const tops = isUnified ? [mounted, join(mounted, 'unified')] : [names, ...controllers].map((n) => join(mounted, n));
    const paths = ancestors(path);
    return [...new Set(tops)].flatMap((top) =>
      paths.map((each) => ({ version: isUnified ? 2 : 1, controllers, folder: join(top, each) }) as const),
    );
  });
}

/** The path and all above it up to `/`. */
function ancestors(path: string): string[] {
  const all = [posix.normalize(path)];
  for (let last = all[0] ?? '/'; last !== '/' && last !== '.'; last = posix.dirname(last))
    all.push(posix.dirname(last));
  return all;
}

function coresOf({ version, controllers, folder }: ControlGroup): number {
  if (version === 2) {
    const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').split(' ').map(Number);
    return ratio(quota, period);
  }
  if (!controllers.includes('cpu')) return Infinity;
  return ratio(number(join(folder, 'cpu.cfs_quota_us')), number(join(folder, 'cpu.cfs_period_us')));
}

function memoryOf({ version, controllers, folder }: ControlGroup): number {
  if (version === 1 && !controllers.includes('memory')) return Infinity;
  const limit = number(join(folder, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'));
  return limit !== undefined && limit > 0 ? limit : Infinity;
}

/** `max` and -1 stand for no limit. */
function ratio(quota: number | undefined, period: number | undefined): number {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : Infinity;
}

function number(path: string): number | undefined {
  const text = read(path);
  const value = text === undefined ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** What is not there limits nothing. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
