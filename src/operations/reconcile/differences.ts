/** What can be wrong with one id (or one shard). */
export type DifferenceKind =
  | 'record-missing'
  | 'not-processed'
  | 'embedding-missing'
  | 'ledger-orphan'
  | 'embedding-orphan'
  | 'shard-missing'
  | 'shard-damaged'
  | 'sink-missing'
  | 'sink-stale'
  | 'sink-orphan'
  | 'sink-twice';

export const DIFFERENCE_MEANING: Readonly<Record<DifferenceKind, string>> = {
  'record-missing': 'the source published it, but the log has no live record of it: run "produce" again',
  'not-processed': 'the record is not processed in its present form: run "process"',
  'embedding-missing': 'the ledger says embedded, but there is no such embedding on the log',
  'ledger-orphan': 'the ledger has it, but no live record asks for it',
  'embedding-orphan': 'an embedding without a ledger entry of the same content',
  'shard-missing': 'the shard is committed, but its file is not there',
  'shard-damaged': 'the file is not the one that was committed (size or SHA-256 differ)',
  'sink-missing': 'a live embedding is not in the output: run "sink"',
  'sink-stale': 'the output holds an older embedding of it: run "sink"',
  'sink-orphan': 'the output holds it, but it is no longer live: run "sink"',
  'sink-twice': 'the output holds the same embedding twice',
};

export interface Difference {
  readonly kind: DifferenceKind;
  /** A record id, or the name of a shard's file. */
  readonly id: string;
}

/** Counts all differences and keeps the first ones of each kind by id. */
export class Differences {
  readonly #kept: Difference[] = [];
  readonly #counts = new Map<DifferenceKind, number>();
  readonly #keepOfAKind: number;

  constructor(keepOfAKind = 20) {
    this.#keepOfAKind = keepOfAKind;
  }

  add(kind: DifferenceKind, id: string | Uint8Array): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count > this.#keepOfAKind) return;
    this.#kept.push({ kind, id: typeof id === 'string' ? id : Buffer.from(id).toString('utf8') });
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  get kept(): readonly Difference[] {
    return this.#kept;
  }

  counts(): Readonly<Partial<Record<DifferenceKind, number>>> {
    return Object.fromEntries(this.#counts);
  }
}
