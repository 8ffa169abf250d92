import type { PipelineError } from '../errors.ts';
import { DEFAULT_RETRY, type RetryOptions } from './retry.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  /** Where there is one: the offset that is committed, or where a fetch begins. */
  readonly offset?: number;
}

/** A transaction of a run that is durable. */
export interface CommittedTransaction extends Place {
  readonly group: string;
  /** Records that it appended. */
  readonly outputs: number;
  /** From its begin, retries included. */
  readonly elapsedMs: number;
}

/** A call to the log that failed, and is made again after `waitMs`. */
export interface RetriedOperation {
  /** `commit`, `fetch`, `append` …: a word of a small set, fit for a metric's label. */
  readonly operation: string;
  readonly place?: Place;
  /** Attempts so far, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
  readonly error: PipelineError;
}

/**
 * What only the log itself knows, told to whoever opened it. Called synchronously, between two steps of the work:
 * be quick, and never throw.
 */
export interface LogObserver {
  /** This process runs the group, with so many partitions in all. Told again whenever that changes. */
  assigned?(group: string, partitions: number): void;
  committed?(transaction: CommittedTransaction): void;
  retried?(retry: RetriedOperation): void;
  /** Topics that are not set up as they should be, in words, which does no harm yet. */
  topicsDiffer?(differences: readonly string[]): void;
}

/** Options for `withRetries` that tell of each retry. */
export function observedRetries(observer: LogObserver | undefined, operation: string, place?: Place): RetryOptions {
  if (observer?.retried === undefined) return DEFAULT_RETRY;
  return {
    ...DEFAULT_RETRY,
    onRetry: (retry) => observer.retried?.({ operation, ...(place !== undefined && { place }), ...retry }),
  };
}
