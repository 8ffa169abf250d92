import type { OutputRecord, TransactionalProducer } from '../log/port.ts';

/** What waits for an append at most, and what the last batch added. */
const MOST_GATHERED_BYTES = 4 * 1024 * 1024;

/** For a dry run. */
export const WRITES_NOTHING: TransactionalProducer = {
  append: () => Promise.resolve([]),
  close: () => Promise.resolve(),
};

/**
 * Appends what has gathered, while the next batches are read and encoded. What they yield gathers in turn until that
 * append is over: the slower the log, the larger the next append.
 */
export class GatheredAppends {
  readonly #producer: TransactionalProducer;
  #outputs: OutputRecord[] = [];
  #bytes = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #isWriting = false;

  constructor(producer: TransactionalProducer) {
    this.#producer = producer;
  }

  gather(output: OutputRecord): void {
    this.#outputs.push(output);
    this.#bytes += (output.key?.length ?? 0) + (output.value?.length ?? 0);
  }

  /** Begins an append when there is none, or waits for the one under way when too much has gathered. */
  async append(): Promise<void> {
    if (this.#isWriting && this.#bytes < MOST_GATHERED_BYTES) return;
    await this.#writing;
    this.#isWriting = true;
    this.#writing = this.#flush().finally(() => {
      this.#isWriting = false;
    });
    // Handled when awaited; until then a rejection must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  /** Appends all that has gathered. */
  async finish(): Promise<void> {
    await this.#writing;
    await this.#flush();
  }

  #flush(): Promise<unknown> {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#bytes = 0;
    return outputs.length === 0 ? Promise.resolve() : this.#producer.append(outputs);
  }
}
