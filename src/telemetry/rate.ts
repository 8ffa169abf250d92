/** Time after which an observation weighs 1/e of a new one. */
const DEFAULT_TIME_CONSTANT_MS = 10_000;

/**
 * Rate as an exponentially weighted mean over time, corrected for its start (as in Adam), so that the first
 * observations are not pulled towards zero.
 */
export class RateMeter {
  readonly #timeConstantMs: number;
  #lastMs: number;
  #lastDone = 0;
  #weighted = 0;
  #weight = 0;

  constructor(startMs: number, timeConstantMs = DEFAULT_TIME_CONSTANT_MS) {
    this.#lastMs = startMs;
    this.#timeConstantMs = timeConstantMs;
  }

  /** `done` counts from the start; call it in the order of `nowMs`. */
  observe(done: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs <= 0) return;
    const decay = Math.exp(-elapsedMs / this.#timeConstantMs);
    const perSecond = ((done - this.#lastDone) / elapsedMs) * 1000;
    this.#weighted = this.#weighted * decay + perSecond * (1 - decay);
    this.#weight = this.#weight * decay + (1 - decay);
    this.#lastMs = nowMs;
    this.#lastDone = done;
  }

  /** Per second; undefined before anything was observed. */
  get perSecond(): number | undefined {
    return this.#weight === 0 ? undefined : Math.max(0, this.#weighted / this.#weight);
  }
}
