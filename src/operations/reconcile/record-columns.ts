import type { PartHashesView } from '../../codec/port.ts';
import { failureOutcome } from '../../errors.ts';
import { ATTEMPT_HEADER } from '../../record/dead-letter.ts';
import { contentHashFor, sha256, type PartKind } from '../../record/identity.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn, IdentityColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';

const APPLICABLE = 1;

/** The live records, and for each set of kinds that a model may read the content hash of those that have such a part. */
export class RecordColumns {
  readonly live: FlagColumn;
  /** Of the live records that are retries, the offset; they are few. */
  readonly retries = new Map<number, number>();
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

  /** `hashes`: of the record's parts, or of the whole value where it is no record; undefined when it is deleted. */
  set(index: number, hashes: PartHashesView | Uint8Array | undefined): void {
    this.live.set(index, hashes !== undefined);
    for (const { kinds, columns } of this.#identities.values()) {
      const contentHash = hashes instanceof Uint8Array ? hashes : hashes && contentHashFor(kinds, hashes);
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
    for (const { key, value, headers, offset } of batch) {
      if (key === null) continue;
      const index = ids.add(key);
      records.set(index, value === null ? undefined : identityOf(codec, value));
      if (headers[ATTEMPT_HEADER] === undefined) records.retries.delete(index);
      else records.retries.set(index, offset);
    }
  return records;
}

/** What is no record is dead-lettered under the hash of all of it. */
function identityOf(codec: ReconcileContext['codec'], value: Uint8Array): PartHashesView | Uint8Array {
  try {
    return codec.viewPartHashes(value);
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    return sha256(value);
  }
}

function nameOf(kinds: readonly PartKind[]): string {
  return kinds.toSorted().join('+');
}
