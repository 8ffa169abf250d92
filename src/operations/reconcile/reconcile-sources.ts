import { Ledger, restoreLedger } from '../../ledger/ledger.ts';
import type { TopicInfo } from '../../log/port.ts';
import { readTopic } from '../topic-reading.ts';
import { Differences } from './differences.ts';
import type { Latest } from './latest.ts';
import type { ReconcileContext } from './reconcile-model.ts';

export interface SourceReconciliation {
  readonly source: string;
  /** Records that the source has published and not deleted. */
  readonly published: number;
  readonly differences: Differences;
}

/** Every record that a source has published is there, alive. */
export async function reconcileSources(
  context: ReconcileContext,
  topics: readonly TopicInfo[],
  records: Latest,
): Promise<SourceReconciliation[]> {
  const prefix = context.topics.sourceLedger('x').slice(0, -1);
  const results: SourceReconciliation[] = [];
  for (const topic of topics.filter(({ name }) => name.startsWith(prefix))) {
    const ledger = new Ledger();
    for (const { partition } of topic.partitionInfo)
      await restoreLedger(ledger, { ...context, topic: topic.name, partition }, context.signal);
    const published = ledger.countUnmarked('published');
    const differences = new Differences();
    // Dead letters of a source have keys of their own, which no record has.
    for await (const batch of readTopic(context.log, topic.name, context.signal))
      for (const { key, value } of batch) {
        if (key === null || value === null || !ledger.has(key) || ledger.isMarked(key)) continue;
        ledger.mark(key);
        if (context.codec.viewLedgerEntry(value).outcome !== 'published') continue;
        if (!records.isLive(key)) differences.add('record-missing', key);
      }
    results.push({ source: topic.name.slice(prefix.length), published, differences });
  }
  return results;
}
