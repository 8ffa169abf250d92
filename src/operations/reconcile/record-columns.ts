import type { PartHashesView } from '../../codec/port.ts';
import { contentHashFor, type PartKind } from '../../record/identity.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn, IdentityColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';

const APPLICABLE = 1;

/** The live records, and for each set of kinds that a model may read the content hash of those that have such a part. */
export class RecordColumns {
  readonly live: FlagColumn;
  readonly #identities = new Map<string, { readonly kinds: readonly PartKind[]; readonly columns: IdentityColumns }>();

  constructor(kindSets: readonly (readonly PartKind[])[], expected: number) {
    this.live = new FlagColumn(expected);
    for (const kinds of kindSets)
      this.#identities.set(nameOf(kinds), { kinds, columns: new IdentityColumns(expected) });
  }

  /** The state is 0 where the record has no part of these kinds, which are among those of the constructor. */
  identities(kinds: readonly PartKind[]): IdentityColumns | undefined {
    return this.#identities.get(nameOf(kinds))?.columns;
  }

  set(index: number, hashes: PartHashesView | undefined): void {
    this.live.set(index, hashes !== undefined);
    for (const { kinds, columns } of this.#identities.values()) {
      const contentHash = hashes && contentHashFor(kinds, hashes);
      if (contentHash === undefined) columns.clear(index);
      else columns.set(index, contentHash, 0, APPLICABLE);
    }
  }
}

/** The latest version of each record. */
export async function readRecordColumns(
  { log, codec, topics, ids, signal }: ReconcileContext,
  kindSets: readonly (readonly PartKind[])[],
): Promise<RecordColumns> {
  const records = new RecordColumns(kindSets, ids.expected);
  for await (const batch of readTopic(log, topics.records, signal))
    for (const { key, value } of batch)
      if (key !== null) records.set(ids.add(key), value === null ? undefined : codec.viewPartHashes(value));
  return records;
}

function nameOf(kinds: readonly PartKind[]): string {
  return kinds.toSorted().join('+');
}
