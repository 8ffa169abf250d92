import { setTimeout as delay } from 'node:timers/promises';
import { failureOutcome, type PipelineError } from '../errors.ts';
import { backoffDelayMs, DEFAULT_BACKOFF, type BackoffOptions } from '../backoff.ts';

export interface RetryOptions extends BackoffOptions {
  readonly maxAttempts: number;
  readonly random: () => number;
  /** Before each wait; `attempt` counts those that failed. Must not throw. */
  readonly onRetry?: (retry: {
    readonly attempt: number;
    readonly waitMs: number;
    readonly error: PipelineError;
  }) => void;
}

export const DEFAULT_RETRY: RetryOptions = { ...DEFAULT_BACKOFF, maxAttempts: 8, random: Math.random };

/**
 * Calls `operation` again while it rejects with a retriable error, at most `maxAttempts` times in all; then the last
 * error surfaces. An aborted `signal` ends the waiting: the last error surfaces at once.
 */
export async function withRetries<T>(
  operation: () => Promise<T>,
  signal?: AbortSignal,
  options: RetryOptions = DEFAULT_RETRY,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (failureOutcome(error) !== 'retry' || attempt + 1 >= options.maxAttempts || signal?.aborted === true)
        throw error;
      const waitMs = backoffDelayMs(attempt, options.random(), options);
      // failureOutcome answers retry for nothing but a PipelineError.
      options.onRetry?.({ attempt: attempt + 1, waitMs, error: error as PipelineError });
      // An abort cuts the wait short; the next attempt's outcome then decides.
      await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}
