/** Every answer begins with its length (int32), which does not count itself. https://kafka.apache.org/protocol */
export const LENGTH_BYTES = 4;
/** What claims to be longer is none of Kafka's: a TLS alert reads as 352 MB, HTTP as 1.2 GB. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
/** Shorter ones share memory. */
const OWN_MEMORY_BYTES = 4096;

/**
 * Puts the answers of one connection together, each into memory of its own as soon as its length is known: pieces that
 * are kept until all have come, and then joined, take three times as much. What does not begin like an answer is handed
 * on as it comes.
 */
export class AnswerFrames {
  readonly #onFrame: (frame: Buffer) => void;
  readonly #head = Buffer.alloc(LENGTH_BYTES);
  #headBytes = 0;
  #frame: Buffer | undefined;
  #filled = 0;
  #isForeign = false;

  /** @param onFrame gets each whole answer, its length in front */
  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Takes what has come; `piece` may be used again afterwards. */
  take(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      if (this.#isForeign) {
        this.#onFrame(Buffer.from(piece.subarray(at)));
        return;
      }
      at = this.#frame === undefined ? this.#takeHead(piece, at) : this.#takeBody(this.#frame, piece, at);
    }
  }

  #takeHead(piece: Uint8Array, from: number): number {
    const to = Math.min(piece.length, from + LENGTH_BYTES - this.#headBytes);
    this.#head.set(piece.subarray(from, to), this.#headBytes);
    this.#headBytes += to - from;
    if (this.#headBytes === LENGTH_BYTES) this.#open(this.#head.readInt32BE(0));
    return to;
  }

  #open(length: number): void {
    this.#headBytes = 0;
    this.#isForeign = length <= 0 || length > MAX_ANSWER_BYTES;
    if (this.#isForeign) {
      this.#onFrame(Buffer.from(this.#head));
      return;
    }
    const bytes = LENGTH_BYTES + length;
    const frame = bytes < OWN_MEMORY_BYTES ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
    frame.set(this.#head);
    this.#frame = frame;
    this.#filled = LENGTH_BYTES;
  }

  #takeBody(frame: Buffer, piece: Uint8Array, from: number): number {
    const to = Math.min(piece.length, from + frame.length - this.#filled);
    frame.set(piece.subarray(from, to), this.#filled);
    this.#filled += to - from;
    if (this.#filled === frame.length) {
      this.#frame = undefined;
      this.#onFrame(frame);
    }
    return to;
  }
}
