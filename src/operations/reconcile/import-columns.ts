import { hexOf } from '../../codec/hashes.ts';
import type { TopicInfo } from '../../log/port.ts';
import { importFingerprint } from '../../record/imported.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn } from './columns.ts';
import type { ReconcileContext } from './context.ts';

/** What imports have put on the log for one model. */
export interface ImportedIds {
  has(index: number): boolean;
  /** Where their ids stand. */
  readonly topics: readonly string[];
}

export const NOTHING_IMPORTED: ImportedIds = { has: () => false, topics: [] };

/** What one import has put on the log and not deleted. */
export interface ImportColumn {
  readonly topic: string;
  readonly name: string;
  /** Hex: that of the import's model and name. */
  readonly fingerprint: string;
  readonly ids: FlagColumn;
}

/** The ids of every import that has any. */
export async function readImportColumns(
  context: ReconcileContext,
  topics: readonly TopicInfo[],
): Promise<readonly ImportColumn[]> {
  const prefix = context.topics.importLedger('x').slice(0, -1);
  const imports: ImportColumn[] = [];
  for (const { name: topic } of topics.filter(({ name }) => name.startsWith(prefix))) {
    const column = await readImport(context, topic, topic.slice(prefix.length));
    if (column !== undefined) imports.push(column);
  }
  return imports;
}

/** Dead letters of an import have keys of their own; they are no part of this. */
async function readImport(
  { log, codec, ids, signal }: ReconcileContext,
  topic: string,
  name: string,
): Promise<ImportColumn | undefined> {
  const published = new FlagColumn(ids.expected);
  let fingerprint: string | undefined;
  for await (const batch of readTopic(log, topic, signal))
    for (const { key, value } of batch) {
      if (key === null) continue;
      const entry = value === null ? undefined : codec.viewLedgerEntry(value);
      // All entries of an import have the same.
      if (entry !== undefined) fingerprint ??= hexOf(entry.fingerprint);
      published.set(ids.add(key), entry?.outcome === 'published');
    }
  return fingerprint === undefined ? undefined : { topic, name, fingerprint, ids: published };
}

export function importedOf(imports: readonly ImportColumn[], model: string): ImportedIds {
  const own = imports.filter(({ name, fingerprint }) => importFingerprint(model, name) === fingerprint);
  if (own.length === 0) return NOTHING_IMPORTED;
  return { has: (index) => own.some(({ ids }) => ids.has(index)), topics: own.map(({ topic }) => topic) };
}
