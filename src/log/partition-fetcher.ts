import { messageOf, PipelineError } from '../errors.ts';
import type { FetchedRecords, LogEngine } from './engine.ts';
import { observedRetries } from './observer.ts';
import type { LogRecord } from './port.ts';
import { withRetries } from './retry.ts';

export interface PartitionFetcherOptions {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** Where reading ends; Infinity while following. */
  readonly limit: number;
  /** Asked before each fetch. */
  readonly maxBytes: () => number;
  readonly maxRecords: number;
  readonly signal: AbortSignal;
  /** Records are not used any more when the next ones are taken. */
  readonly transient?: boolean;
  /** Called whenever `take` may answer differently. */
  readonly onChange: () => void;
}

/**
 * Fetches one partition ahead of its task: at most one fetch in hand and one ahead, each of `maxBytes`.
 * The next fetch begins when the last records of the one before are taken.
 */
export class PartitionFetcher {
  readonly #engine: Pick<LogEngine, 'fetch' | 'observer'>;
  readonly #options: PartitionFetcherOptions;
  #limit: number;
  #current: FetchedRecords | undefined;
  /** All of it was taken, the last of it by the latest `take`. */
  #spent: FetchedRecords | undefined;
  #fetching = false;
  /** Where the next fetch begins. */
  #fetchFrom: number;
  /** Where reading goes on after what was taken, past gaps. */
  #position: number;
  /** The end of the log was reached and nothing was appended since. */
  #dry = false;
  #appends = 0;
  #error: PipelineError | undefined;
  readonly #closing = new AbortController();

  constructor(engine: Pick<LogEngine, 'fetch' | 'observer'>, options: PartitionFetcherOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#limit = options.limit;
    this.#fetchFrom = options.from;
    this.#position = options.from;
  }

  get position(): number {
    return this.#position;
  }

  /** Everything before the limit was taken. */
  get atLimit(): boolean {
    return this.#position >= this.#limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    this.#options.onChange();
  }

  /** Something may have been appended. */
  noteAppend(): void {
    this.#appends++;
    this.#dry = false;
    this.#options.onChange();
  }

  /** Nothing is taken any more: a fetch that waits for records need not go on. */
  close(): void {
    this.#closing.abort();
  }

  /** The next records if they are here; otherwise undefined, and they are on their way. Throws what fetching threw. */
  take(): readonly LogRecord[] | undefined {
    if (this.#options.transient === true) this.#spent?.release?.();
    this.#spent = undefined;
    if (this.#error !== undefined) throw this.#error;
    const current = this.#current;
    if (current === undefined) {
      this.#fetch();
      return undefined;
    }
    const records = current.take(this.#options.maxRecords);
    const last = records.at(-1)?.offset ?? current.nextOffset - 1;
    if (last >= this.#limit) {
      // The limit was set while these were on their way.
      this.#current = undefined;
      this.#position = this.#limit;
      return records.filter((record) => record.offset < this.#limit);
    }
    this.#position = current.isEmpty() ? current.nextOffset : last + 1;
    if (current.isEmpty()) {
      this.#current = undefined;
      this.#spent = current;
      this.#fetch();
    }
    return records;
  }

  #fetch(): void {
    if (this.#fetching || this.#dry || this.#fetchFrom >= this.#limit) return;
    this.#fetching = true;
    const { topic, partition, maxBytes, onChange } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#closing.signal]);
    const appends = this.#appends;
    const request = { topic, partition, from: this.#fetchFrom, to: this.#limit, maxBytes: maxBytes(), signal };
    const place = { topic, partition, offset: request.from };
    void withRetries(() => this.#engine.fetch(request), signal, observedRetries(this.#engine.observer, 'fetch', place))
      .then(
        (fetched) => {
          this.#accept(fetched, appends);
        },
        (error: unknown) => {
          this.#error =
            error instanceof PipelineError
              ? error
              : new PipelineError('LOG_UNREADABLE', messageOf(error), { retriable: false, cause: error });
        },
      )
      .finally(() => {
        this.#fetching = false;
        onChange();
      });
  }

  #accept(fetched: FetchedRecords, appendsBefore: number): void {
    const moved = fetched.nextOffset > this.#fetchFrom;
    this.#fetchFrom = fetched.nextOffset;
    if (!fetched.isEmpty()) {
      this.#current = fetched;
      return;
    }
    // Only a gap: nothing will be taken that would move the position.
    if (this.#current === undefined) this.#position = Math.max(this.#position, fetched.nextOffset);
    this.#dry = !moved && this.#appends === appendsBefore;
  }
}
