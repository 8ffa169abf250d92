import type { PartKind } from '../../record/identity.ts';
import type { IdentityColumns } from './columns.ts';
import type { RecordColumns } from './record-columns.ts';

/** What a model may read that is known by its name alone; there is none that reads both. */
export const POSSIBLE_KINDS: readonly (readonly PartKind[])[] = [['text'], ['image']];

/** The parts whose hashes most of the ledger's entries have; text where nothing tells. */
export function kindsByLedger(size: number, ledger: IdentityColumns, records: RecordColumns): readonly PartKind[] {
  let best: { readonly kinds: readonly PartKind[]; readonly matches: number } = { kinds: ['text'], matches: 0 };
  for (const kinds of POSSIBLE_KINDS) {
    const identities = records.identities(kinds);
    let matches = 0;
    for (let index = 0; identities !== undefined && index < size; index++)
      if (ledger.state(index) !== 0 && identities.state(index) !== 0 && ledger.hasHashOf(index, identities)) matches++;
    if (matches > best.matches) best = { kinds, matches };
  }
  return best.kinds;
}
