import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance, so that tests can have their own. */
export interface Timing {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Resolves early when `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const REAL_TIMING: Timing = {
  now: () => performance.now(),
  // A timer of more than 2^31 ms fires at once.
  sleep: (ms, signal) => delay(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined),
  random: Math.random,
};
