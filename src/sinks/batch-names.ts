import type { ShardDescriptor } from '../record/types.ts';

/** `batch_001`, in partitions other than 0 `batch_p3_001`, whatever their number. */
const PATTERN = /^batch_(?:p([1-9]\d*)_)?(\d{3,})(?=\.jsonl(?:\.gz|\.zst)?$)/;
const DIGITS = 3;

/** The stem of a batch file's name; undefined: it is none. */
export function batchStem(fileName: string): string | undefined {
  return PATTERN.exec(fileName)?.[0];
}

/** Whose batch a file belongs to, sidecars too; undefined: it is of no batch. */
export function batchPartition(fileName: string): number | undefined {
  const match = /^_?batch_(?:p([1-9]\d*)_)?\d{3,}\./.exec(fileName);
  return match === null ? undefined : Number(match[1] ?? 0);
}

/**
 * Names for the next batches of a partition, counted on from those that are committed: the log decides, so that a
 * batch is never written over, and a replay gives the same names.
 */
export function batchNames(partition: number, committed: readonly Pick<ShardDescriptor, 'files'>[]): () => string {
  let number = 0;
  for (const { name } of committed.flatMap(({ files }) => files))
    number = Math.max(number, Number(PATTERN.exec(name)?.[2] ?? 0));
  const prefix = partition === 0 ? 'batch_' : `batch_p${partition}_`;
  return () => `${prefix}${String(++number).padStart(DIGITS, '0')}`;
}
