import type { StoreFault, StorePartition, StorePartitionContext } from '../port.ts';

/** Of changes that no group hands over. */
export const NO_GROUP: StorePartitionContext = {
  partition: 0,
  signal: new AbortController().signal,
  assertOwner: () => Promise.resolve(),
};

/** Writes changes and waits for them. @returns what is wrong with some of them. */
export async function writeAll<Change extends { readonly offset: number }>(
  partition: StorePartition<Change>,
  changes: readonly Change[],
): Promise<readonly StoreFault[]> {
  const good: Change[] = [];
  const faults: StoreFault[] = [];
  for (const change of changes) {
    const error = partition.check?.(change);
    if (error === undefined) good.push(change);
    else faults.push({ offset: change.offset, error });
  }
  await partition.write(good);
  await partition.flush();
  return [...faults, ...partition.progress().faults];
}
