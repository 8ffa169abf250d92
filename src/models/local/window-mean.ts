/** The vector of a text that was embedded in windows: their mean, weighted by what each holds of the text. Pure. */
export class WindowMean {
  readonly #sums: Float64Array;
  readonly #normalise: boolean;
  #missing: number;
  #weights = 0;

  constructor(dimension: number, windows: number, normalise: boolean) {
    this.#sums = new Float64Array(dimension);
    this.#missing = windows;
    this.#normalise = normalise;
  }

  /** @returns the mean once every window is in, of length 1 where the model's vectors are; undefined before */
  add(vector: Float32Array, weight: number): Float32Array | undefined {
    vector.forEach((value, i) => {
      this.#sums[i] = (this.#sums[i] ?? 0) + value * weight;
    });
    this.#weights += weight;
    this.#missing--;
    if (this.#missing > 0) return undefined;
    const scale = this.#normalise ? Math.hypot(...this.#sums) : this.#weights;
    return Float32Array.from(this.#sums, (sum) => sum / scale);
  }
}
