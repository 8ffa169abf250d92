import type { Clock } from '../../../src/log/kafka/system-clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Time that moves only when told. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  #timers: Timer[] = [];
  #order = 0;

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, order: this.#order++, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Fires what is due, in order, and lets everything that follows from each happen before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = this.#timers
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

/** After all promises that can settle without a timer have done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
