import type { EmbedResult } from '../models/port.ts';

/** Vectors that are kept, at most, by all partitions together. */
const MAX_VECTOR_BYTES = 16 * 1024 * 1024;

/** What a model answers to a batch; `result` is there once it has. */
export interface Answers {
  result?: EmbedResult;
}

/** Where the vector of a content is: input `index` of a batch. */
export interface Answer {
  readonly answers: Answers;
  readonly index: number;
}

/**
 * The contents that a partition's model was given last, so that equal ones are embedded once: those in flight, and as
 * many before them as the partition's share of 16 MiB of vectors holds (some 10,000 of 384 dimensions in all).
 */
export class EqualContents {
  readonly #maxInputs: number;
  readonly #answers = new Map<string, Answer>();
  /** Content hashes of each batch, the oldest first. */
  readonly #batches: { readonly keys: string[]; readonly answers: Answers }[] = [];
  #inputs = 0;

  /** @param partitions of the topic, all of which one process may have */
  constructor(dimension: number, partitions = 1) {
    this.#maxInputs = Math.floor(MAX_VECTOR_BYTES / partitions / (dimension * Float32Array.BYTES_PER_ELEMENT));
  }

  find(contentHash: Uint8Array): Answer | undefined {
    return this.#answers.get(keyOf(contentHash));
  }

  /** A batch begins, to which `answers` will be; the oldest ones are let go of. */
  begin(answers: Answers): void {
    this.#batches.push({ keys: [], answers });
    while (this.#inputs > this.#maxInputs && this.#batches.length > 1) this.#forgetOldest();
  }

  /** Takes in the batch's next input. */
  add(contentHash: Uint8Array): Answer {
    const batch = this.#batches.at(-1) ?? { keys: [], answers: {} };
    const key = keyOf(contentHash);
    const answer = { answers: batch.answers, index: batch.keys.length };
    batch.keys.push(key);
    this.#inputs++;
    this.#answers.set(key, answer);
    return answer;
  }

  #forgetOldest(): void {
    const oldest = this.#batches.shift();
    if (oldest === undefined) return;
    for (const key of oldest.keys) if (this.#answers.get(key)?.answers === oldest.answers) this.#answers.delete(key);
    this.#inputs -= oldest.keys.length;
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1');
}
