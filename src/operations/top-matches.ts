export interface TopMatch {
  readonly score: number;
  readonly id: string;
  readonly value: Uint8Array;
}

/** The best `limit` of what was offered, one an id: of two offers of an id the later one counts. */
export class TopMatches {
  readonly #limit: number;
  /** Best first. */
  readonly #matches: TopMatch[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `value` is copied when it is kept. */
  offer(score: number, key: Uint8Array, value: Uint8Array): void {
    const worst = this.#matches.at(-1);
    if (this.#matches.length >= this.#limit && worst !== undefined && score <= worst.score) return;
    const id = Buffer.from(key).toString('utf8');
    const earlier = this.#matches.findIndex((match) => match.id === id);
    if (earlier >= 0) this.#matches.splice(earlier, 1);
    const place = this.#matches.findIndex((match) => match.score < score);
    this.#matches.splice(place < 0 ? this.#matches.length : place, 0, { score, id, value: Uint8Array.from(value) });
    if (this.#matches.length > this.#limit) this.#matches.pop();
  }

  best(): readonly TopMatch[] {
    return this.#matches;
  }
}
