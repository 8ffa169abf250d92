/**
 * Whether a command does what it is there for: not while anything it needs is still to come, and not once it was told
 * to stop. Being slow does not make it less ready.
 */
export class Readiness {
  readonly #pending = new Set<{ readonly reason: string }>();
  #stopReason: string | undefined;

  /** Not ready for this reason until the answer is called; a second call of it does nothing. */
  pending(reason: string): () => void {
    const entry = { reason };
    this.#pending.add(entry);
    return () => {
      this.#pending.delete(entry);
    };
  }

  /** Never ready again. */
  stop(reason: string): void {
    this.#stopReason ??= reason;
  }

  /** Why it is not ready; empty when it is. */
  get reasons(): readonly string[] {
    return this.#stopReason === undefined ? Array.from(this.#pending, ({ reason }) => reason) : [this.#stopReason];
  }
}
