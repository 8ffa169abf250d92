import { Ledger, restoreLedger } from '../../ledger/ledger.ts';
import { retryLetters } from '../../operations/dead-letters/retry-letters.ts';
import { findTopic } from '../../operations/topic-reading.ts';
import type { Workspace } from '../wiring.ts';

/** Publishes those records of a source again that a model has dead-lettered and that are as they were; answers how many. */
export async function retryFailed(workspace: Workspace, source: string, signal: AbortSignal): Promise<number> {
  const topic = workspace.topics.sourceLedger(source);
  const published = new Ledger();
  for (const { partition } of (await findTopic(workspace.log, topic))?.partitionInfo ?? [])
    await restoreLedger(published, { ...workspace, topic, partition }, signal);
  if (published.size === 0) return 0;
  const isOurs = (key: Uint8Array): boolean => published.has(key);
  const { published: count } = await retryLetters({ ...workspace, signal }, { stages: ['process'], isWanted: isOurs });
  return count;
}
