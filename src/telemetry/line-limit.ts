const SECOND_MS = 1000;

/** Lets so many lines through in a second and counts the others, so that a million bad rows don't flood a log. */
export class LineLimit {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #secondBegan = -Infinity;
  #written = 0;
  #omitted = 0;

  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** True when the line may be written; otherwise it is counted. */
  admits(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondBegan >= SECOND_MS) {
      this.#secondBegan = nowMs;
      this.#written = 0;
    }
    if (this.#written >= this.#perSecond) {
      this.#omitted++;
      return false;
    }
    this.#written++;
    return true;
  }

  /** How many were left out since this was asked before. */
  takeOmitted(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
