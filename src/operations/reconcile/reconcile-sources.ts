import type { TopicInfo } from '../../log/port.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import type { RecordColumns } from './record-columns.ts';

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
  records: RecordColumns,
): Promise<SourceReconciliation[]> {
  const prefix = context.topics.sourceLedger('x').slice(0, -1);
  const results: SourceReconciliation[] = [];
  for (const { name } of topics.filter((topic) => topic.name.startsWith(prefix)))
    results.push({ source: name.slice(prefix.length), ...(await reconcileSource(context, name, records)) });
  return results;
}

async function reconcileSource(
  context: ReconcileContext,
  topic: string,
  records: RecordColumns,
): Promise<Omit<SourceReconciliation, 'source'>> {
  const { log, ids, signal } = context;
  const inSource = await readPublished(context, topic);
  const differences = new Differences();
  let published = 0;
  for (let index = 0; index < ids.size; index++) {
    if (!inSource.has(index)) continue;
    published++;
    if (!records.live.has(index)) differences.addNumbered('record-missing', index);
  }
  await nameDifferences(differences, ['record-missing'], ids, () => keysOfTopic(log, topic, signal));
  return { published, differences };
}

/** Dead letters of a source have keys of their own, which no record has; they are no part of this. */
async function readPublished({ log, codec, ids, signal }: ReconcileContext, topic: string): Promise<FlagColumn> {
  const published = new FlagColumn(ids.expected);
  for await (const batch of readTopic(log, topic, signal))
    for (const { key, value } of batch)
      if (key !== null)
        published.set(ids.add(key), value !== null && codec.viewLedgerEntry(value).outcome === 'published');
  return published;
}
