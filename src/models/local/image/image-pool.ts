/** Images that wait for a worker, and how they are cut into batches. Pure. */

export interface WaitingImage {
  readonly bytes: Uint8Array;
}

export interface ImagePoolOptions {
  /** Most images in a batch. */
  readonly batchImages: number;
  /** Most encoded bytes in a batch; a single larger image still makes one. */
  readonly batchBytes: number;
}

/** First come, first served: images of a model are all of one size, so that none of them waits for its like. */
export class ImagePool<Row extends WaitingImage> {
  readonly #batchBytes: number;
  #batchImages: number;
  readonly #waiting = new Set<Row>();

  constructor({ batchImages, batchBytes }: ImagePoolOptions) {
    this.#batchImages = batchImages;
    this.#batchBytes = batchBytes;
  }

  add(rows: readonly Row[]): void {
    for (const row of rows) this.#waiting.add(row);
  }

  /** Takes rows back that need no work any more. */
  remove(rows: Iterable<Row>): void {
    for (const row of rows) this.#waiting.delete(row);
  }

  /** The next batch; undefined when nothing waits. */
  take(): Row[] | undefined {
    // Even parts: 14 images where 10 fit go as 7 and 7, so that two workers end together.
    const most = Math.ceil(this.#waiting.size / Math.ceil(this.#waiting.size / this.#batchImages));
    const batch: Row[] = [];
    let bytes = 0;
    for (const row of this.#waiting) {
      bytes += row.bytes.length;
      if (batch.length > 0 && (batch.length >= most || bytes > this.#batchBytes)) break;
      batch.push(row);
    }
    this.remove(batch);
    return batch.length > 0 ? batch : undefined;
  }

  /** This batch was too much memory: none from now on is more than half of it. */
  shrink(batch: readonly Row[]): void {
    this.#batchImages = Math.min(this.#batchImages, Math.max(1, Math.floor(batch.length / 2)));
  }
}
