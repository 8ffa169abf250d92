/** What can be wrong with one id (or one shard, or a whole output). */
export type DifferenceKind =
  | 'record-missing'
  | 'import-missing'
  | 'not-processed'
  | 'embedding-missing'
  | 'ledger-orphan'
  | 'embedding-orphan'
  | 'folder-missing'
  | 'shard-missing'
  | 'shard-damaged'
  | 'sink-missing'
  | 'sink-stale'
  | 'sink-orphan'
  | 'sink-twice';

export const DIFFERENCE_MEANING: Readonly<Record<DifferenceKind, string>> = {
  'record-missing': 'the source published it, but the log has no live record of it: run "produce" again',
  'import-missing': 'it was imported, but there is no embedding of it: run "import" again',
  'not-processed': 'the record is not processed in its present form: run "process"',
  'embedding-missing': 'the ledger says embedded, but there is no such embedding on the log',
  'ledger-orphan': 'the ledger has it, but no live record asks for it',
  'embedding-orphan': 'an embedding without a ledger entry of the same content',
  'folder-missing': 'the folder of the output is gone: bring it back, or write it again with "reconcile --repair"',
  'shard-missing': 'the shard is committed, but its file is not there: bring it back, or run "reconcile --repair"',
  'shard-damaged': 'the file is not the one that was committed (size or SHA-256 differ): run "reconcile --repair"',
  'sink-missing': 'a live embedding is not in the output: run "sink", or "reconcile --repair"',
  'sink-stale': 'the output holds an older embedding of it: run "sink", or "reconcile --repair"',
  'sink-orphan': 'the output holds it, but it is no longer live: run "sink", or "reconcile --repair"',
  'sink-twice': 'the output holds the same embedding twice: run "reconcile --repair"',
};

export interface Difference {
  readonly kind: DifferenceKind;
  /** A record id, the name of a shard's file, or a folder. */
  readonly id: string;
}

/**
 * Counts all differences and keeps the first ones of each kind by id. Those that are known by number only wait for
 * their ids (`takeNumbered`, then `keep`).
 */
export class Differences {
  readonly #kept: Difference[] = [];
  readonly #numbered = new Map<DifferenceKind, number[]>();
  readonly #counts = new Map<DifferenceKind, number>();
  readonly #keepOfAKind: number;

  constructor(keepOfAKind = 20) {
    this.#keepOfAKind = keepOfAKind;
  }

  add(kind: DifferenceKind, id: string): void {
    if (this.#count(kind)) this.keep(kind, id);
  }

  /** `index`: the id's number in the identity index. */
  addNumbered(kind: DifferenceKind, index: number): void {
    if (!this.#count(kind)) return;
    const numbered = this.#numbered.get(kind);
    if (numbered === undefined) this.#numbered.set(kind, [index]);
    else numbered.push(index);
  }

  /** The first numbers of a kind, in the order in which they were added; they are forgotten here. */
  takeNumbered(kind: DifferenceKind): readonly number[] {
    const numbered = this.#numbered.get(kind) ?? [];
    this.#numbered.delete(kind);
    return numbered;
  }

  /** Puts the id to one that was counted. */
  keep(kind: DifferenceKind, id: string): void {
    this.#kept.push({ kind, id });
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

  /** True while there is room to keep one of its kind. */
  #count(kind: DifferenceKind): boolean {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return count <= this.#keepOfAKind;
  }
}
