const LENGTH_BYTES = 4;

/**
 * Repetition or definition levels of 0 and 1 in Parquet's RLE encoding, as runs alone: a count and a byte each, which is
 * short where values come in runs, and small after zstd where they do not.
 */
export class LevelRuns {
  #bytes = new Uint8Array(64);
  #size = LENGTH_BYTES;
  #level = 0;
  #run = 0;

  add(level: 0 | 1, count = 1): void {
    if (count === 0) return;
    if (level !== this.#level) {
      this.#close();
      this.#level = level;
    }
    this.#run += count;
  }

  /** With their length in front; valid until the next `add` or `clear`. */
  encoded(): Uint8Array {
    this.#close();
    new DataView(this.#bytes.buffer).setUint32(0, this.#size - LENGTH_BYTES, true);
    return this.#bytes.subarray(0, this.#size);
  }

  clear(): void {
    this.#size = LENGTH_BYTES;
    this.#run = 0;
  }

  #close(): void {
    if (this.#run === 0) return;
    if (this.#size + 8 > this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    let head = this.#run * 2;
    for (; head >= 0x80; head >>>= 7) this.#bytes[this.#size++] = (head & 0x7f) | 0x80;
    this.#bytes[this.#size++] = head;
    this.#bytes[this.#size++] = this.#level;
    this.#run = 0;
  }
}
