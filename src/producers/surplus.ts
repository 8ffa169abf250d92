import type { Ledger } from '../ledger/ledger.ts';
import type { NumberedIds } from './port.ts';

/** Parts in a row that may have been dead letters, and so have left a gap in a document's numbers. */
const MOST_MISSING_PARTS = 64;

/** The parts that a document has no more and the ledger still has. They may be deleted from it on the way. */
export function* surplusIds(ledger: Ledger, { prefix, count }: NumberedIds): Generator<string> {
  for (let number = count + 1, missing = 0; missing < MOST_MISSING_PARTS; number++) {
    const id = `${prefix}${number}`;
    if (!ledger.has(id) || ledger.isMarked(id)) {
      missing++;
      continue;
    }
    missing = 0;
    yield id;
  }
}
