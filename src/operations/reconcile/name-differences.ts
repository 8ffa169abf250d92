import type { IdentityIndex } from '../../ledger/identity-index.ts';
import type { Log } from '../../log/port.ts';
import { readTopic } from '../topic-reading.ts';
import type { DifferenceKind, Differences } from './differences.ts';

/** Stands for an id that was compacted away between the two readings. */
const GONE = '(no longer on the log)';

/**
 * Finds the ids of the differences of these kinds that are known by number only, by reading `keys` to their end; within
 * a kind they come in the order in which the keys came last.
 */
export async function nameDifferences(
  differences: Differences,
  kinds: readonly DifferenceKind[],
  ids: IdentityIndex,
  keys: () => AsyncIterable<Iterable<Uint8Array | null>>,
): Promise<void> {
  const waiting = kinds.map((kind) => ({ kind, indexes: differences.takeNumbered(kind) }));
  const wanted = new Set(waiting.flatMap(({ indexes }) => indexes));
  if (wanted.size === 0) return;
  const found = new Map<number, string>();
  for await (const batch of keys())
    for (const key of batch) {
      if (key === null) continue;
      const index = ids.find(key);
      if (!wanted.has(index)) continue;
      // A Map keeps the order of insertion.
      found.delete(index);
      found.set(index, Buffer.from(key).toString());
    }
  for (const { kind, indexes } of waiting) {
    // One id may differ more than once.
    for (const [index, id] of found) for (const each of indexes) if (each === index) differences.keep(kind, id);
    for (const each of indexes) if (!found.has(each)) differences.keep(kind, GONE);
  }
}

/** Keys of a topic, for `nameDifferences`. */
export async function* keysOfTopic(
  log: Log,
  topic: string,
  signal?: AbortSignal,
): AsyncGenerator<(Uint8Array | null)[]> {
  for await (const records of readTopic(log, topic, signal)) yield records.map(({ key }) => key);
}
