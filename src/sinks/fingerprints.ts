import type { ModelFingerprint } from '../record/types.ts';

const FINGERPRINT_BYTES = 32;

/** Collects the fingerprints of rows; nearly every row has the one of the row before. */
export class FingerprintSet {
  readonly #all = new Set<ModelFingerprint>();
  readonly #last = new Uint8Array(FINGERPRINT_BYTES);

  add(bytes: Uint8Array, start: number): void {
    if (this.#all.size > 0 && this.#isLast(bytes, start)) return;
    this.#last.set(bytes.subarray(start, start + FINGERPRINT_BYTES));
    this.#all.add(Buffer.from(this.#last).toString('hex') as ModelFingerprint);
  }

  sorted(): ModelFingerprint[] {
    return [...this.#all].sort();
  }

  #isLast(bytes: Uint8Array, start: number): boolean {
    for (let i = 0; i < FINGERPRINT_BYTES; i++) if (this.#last[i] !== bytes[start + i]) return false;
    return true;
  }
}
