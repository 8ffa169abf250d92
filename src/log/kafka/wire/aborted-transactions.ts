/** A transaction that was rolled back, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Offset of its first record. */
  readonly firstOffset: number;
}

/**
 * Tells which record batches belong to aborted transactions, as Java's consumer does: from a transaction's first
 * offset on all of its producer's transactional batches, up to the marker that ends it. Batches must be shown in
 * offset order, each once. The broker lists transactions in the order of their end: they are sorted here.
 */
export class AbortedTransactions {
  readonly #ahead: readonly AbortedTransaction[];
  #next = 0;
  readonly #aborting = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether a transactional batch that ends at `lastOffset` has to be left out. */
  hides(producerId: bigint, lastOffset: number): boolean {
    this.#reach(lastOffset);
    return this.#aborting.has(producerId);
  }

  /** A producer's transaction ends with an abort marker at this offset. */
  end(producerId: bigint, offset: number): void {
    this.#reach(offset);
    this.#aborting.delete(producerId);
  }

  #reach(offset: number): void {
    for (let next = this.#ahead[this.#next]; next !== undefined && next.firstOffset <= offset;) {
      this.#aborting.add(next.producerId);
      next = this.#ahead[++this.#next];
    }
  }
}
