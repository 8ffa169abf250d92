export interface TopMatch<Value> {
  readonly score: number;
  readonly id: string;
  readonly value: Value;
}

/** The best `limit` of what was offered, one an id: of two offers of an id the later one counts. */
export class TopMatches<Value> {
  readonly #limit: number;
  /** Best first. */
  readonly #matches: TopMatch<Value>[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * @param key the id's UTF-8.
   * @param value called where it is kept.
   */
  offer(score: number, key: Uint8Array, value: () => Value): void {
    const worst = this.#matches.at(-1);
    if (this.#matches.length >= this.#limit && worst !== undefined && score <= worst.score) return;
    const id = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');
    const earlier = this.#matches.findIndex((match) => match.id === id);
    if (earlier >= 0) this.#matches.splice(earlier, 1);
    const place = this.#matches.findIndex((match) => match.score < score);
    this.#matches.splice(place < 0 ? this.#matches.length : place, 0, { score, id, value: value() });
    if (this.#matches.length > this.#limit) this.#matches.pop();
  }

  best(): readonly TopMatch<Value>[] {
    return this.#matches;
  }
}
