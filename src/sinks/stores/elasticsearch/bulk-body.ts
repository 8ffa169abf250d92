const START_BYTES = 64 * 1024;

/** Bytes of a bulk request, one action after the other. */
export class BulkBody {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #length = 0;
  /** Of the vector that was written last, its text as JSON. */
  #vectorStart = 0;
  #vectorEnd = 0;
  /** (N + 1,) action i is bytes [bounds[i], bounds[i + 1]). */
  readonly #bounds: number[] = [0];
  readonly #scratch: Buffer;
  readonly #asBase64: boolean;

  /** @param asBase64 vectors as base64 of big-endian float32, which servers from 9.3 on read; otherwise as JSON numbers. */
  constructor(dimension: number, { asBase64 }: { readonly asBase64: boolean }) {
    this.#scratch = Buffer.alloc(dimension * Float32Array.BYTES_PER_ELEMENT);
    this.#asBase64 = asBase64;
  }

  get actions(): number {
    return this.#bounds.length - 1;
  }

  text(text: string): this {
    // A UTF-16 code unit becomes three bytes at most.
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
    return this;
  }

  /** As JSON. */
  vector(vector: Float32Array): this {
    this.#vectorStart = this.#length;
    if (this.#asBase64 && vector.byteLength === this.#scratch.length) {
      new Uint8Array(this.#scratch.buffer, this.#scratch.byteOffset, this.#scratch.length).set(
        new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
      );
      const base64 = this.#scratch.swap32().toString('base64');
      this.#reserve(base64.length + 2);
      this.#length += this.#bytes.write(`"${base64}"`, this.#length, 'latin1');
    } else {
      this.text(`[${vector.join()}]`);
    }
    this.#vectorEnd = this.#length;
    return this;
  }

  /** The vector that was written last, once more. */
  sameVector(): this {
    this.#reserve(this.#vectorEnd - this.#vectorStart);
    this.#length += this.#bytes.copy(this.#bytes, this.#length, this.#vectorStart, this.#vectorEnd);
    return this;
  }

  endAction(): void {
    this.#bounds.push(this.#length);
  }

  /** The bytes of these actions, in this order; a view of what must not change meanwhile where they are all. */
  bytesOf(actions: readonly number[]): Buffer {
    if (actions.length === this.actions) return this.#bytes.subarray(0, this.#length);
    return Buffer.concat(actions.map((i) => this.#bytes.subarray(this.#bounds[i], this.#bounds[i + 1])));
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
