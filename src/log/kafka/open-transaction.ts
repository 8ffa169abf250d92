import { PipelineError } from '../../errors.ts';
import type { Place, RetriedOperation } from '../observer.ts';
import type { FetchedPartition } from './wire/fetch-request.ts';

/**
 * Notices that a partition can't be read on because of a transaction in it that does not end. Writers have their time
 * limit, which the cluster enforces; but brokers of Kafka 4.3.0 to 4.4.0 can lose the end of one when they restart
 * (https://issues.apache.org/jira/browse/KAFKA-20734), and then readers would wait for ever without a word.
 */
export class OpenTransactionWait {
  readonly #place: Required<Place>;
  readonly #afterMs: number;
  readonly #now: () => number;
  #sinceMs: number | undefined;
  #saidMs = 0;
  #polls = 0;

  /** @param afterMs how long a transaction may keep a reader waiting before `polled` speaks of it, and between two times */
  constructor(place: Required<Place>, afterMs: number, now = (): number => performance.now()) {
    this.#place = place;
    this.#afterMs = afterMs;
    this.#now = now;
  }

  /** Takes an answer without records for the place; answers with what is to be told now, if anything. */
  polled(
    { lastStableOffset, highWatermark }: Pick<FetchedPartition, 'lastStableOffset' | 'highWatermark'>,
    waitMs: number,
  ): RetriedOperation | undefined {
    const { offset } = this.#place;
    if (lastStableOffset > offset || highWatermark <= offset) {
      this.#sinceMs = undefined;
      return undefined;
    }
    const nowMs = this.#now();
    this.#sinceMs ??= this.#saidMs = nowMs;
    this.#polls++;
    if (nowMs - this.#saidMs < this.#afterMs) return undefined;
    this.#saidMs = nowMs;
    const error = openTransaction(this.#place, (nowMs - this.#sinceMs) / 1000);
    return { operation: 'fetch', place: this.#place, attempt: this.#polls, waitMs, error };
  }
}

function openTransaction({ topic, partition, offset }: Required<Place>, seconds: number): PipelineError {
  return new PipelineError(
    'LOG_TRANSACTION_OPEN',
    `${topic}/${partition} can't be read beyond offset ${offset}: for ${Math.round(seconds)} s a transaction there has not ` +
      `ended. Either its writer has a longer --transaction-timeout, or the cluster has lost its end, as Kafka 4.3.0 to ` +
      `4.4.0 may when a broker restarts: see "A transaction that never ends" in docs/operations.md.`,
    { retriable: true },
  );
}
