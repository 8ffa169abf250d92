import type { Counter, Registry } from 'prom-client';

/** What every kind of metric is made with; `embedstream_` is added to the name here. */
export function named<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): { name: string; help: string; labelNames: Label[]; registers: Registry[] } {
  return { name: `embedstream_${name}`, help, labelNames: [...labelNames], registers: [registry] };
}

/**
 * A counter for somebody who counts from zero and tells what has come together so far. Several may count under the
 * same labels, each with a `Total` of its own.
 */
export class Total<Label extends string> {
  readonly #counter: Counter<Label>;
  readonly #labels: Partial<Record<Label, string>>;
  #last = 0;

  constructor(counter: Counter<Label>, labels: Partial<Record<Label, string>>) {
    this.#counter = counter;
    this.#labels = labels;
    // A series that is there from the start is a zero; one that is not is an absence, which no alert sees.
    counter.inc(labels, 0);
  }

  set(total: number): void {
    if (total > this.#last) this.#counter.inc(this.#labels, total - this.#last);
    this.#last = Math.max(total, this.#last);
  }
}
