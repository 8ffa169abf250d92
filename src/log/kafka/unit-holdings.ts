import type { Claim } from './assigner.ts';

/** What one member has, what it is giving up, and what the coordinator was last told of both. */
export class UnitHoldings {
  /** Of the latest assignment; -1 when there is none. */
  generation = -1;
  /** Ascending. */
  owned: readonly number[] = [];
  readonly #releasing = new Set<number>();
  #claimed: readonly number[] = [];

  /** What to tell the coordinator now. */
  claim(): Claim {
    const releasing = [...this.#releasing];
    this.#claimed = [...this.owned, ...releasing];
    return { owned: this.owned, releasing, generation: this.generation };
  }

  assign(generation: number, units: readonly number[]): void {
    for (const unit of this.owned) if (!units.includes(unit)) this.#releasing.add(unit);
    this.owned = units;
    this.generation = generation;
  }

  released(units: readonly number[]): void {
    for (const unit of units) this.#releasing.delete(unit);
  }

  /** Whether all that was taken away is given up, but the coordinator still counts some of it as ours. */
  get rejoinDue(): boolean {
    return this.#releasing.size === 0 && this.#claimed.some((unit) => !this.owned.includes(unit));
  }

  /** Thrown out of the group: nothing is ours, nor waited for. */
  lose(): void {
    this.generation = -1;
    this.owned = [];
    this.#releasing.clear();
    this.#claimed = [];
  }
}
