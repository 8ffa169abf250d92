export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

export const DEFAULT_BACKOFF = { baseMs: 50, capMs: 5_000 } as const satisfies BackoffOptions;

/**
 * Exponential back-off with full jitter: uniform in [0, min(cap, base * 2^attempt)), in milliseconds.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt 0 before the first retry.
 * @param random uniform in [0, 1).
 */
export function backoffDelayMs(attempt: number, random: number, options: BackoffOptions = DEFAULT_BACKOFF): number {
  return random * Math.min(options.capMs, options.baseMs * 2 ** attempt);
}
