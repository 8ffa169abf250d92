import { setTimeout as delay } from 'node:timers/promises';
import { backoffDelayMs, type BackoffOptions } from '../../../backoff.ts';
import { failureOutcome, messageOf } from '../../../errors.ts';

const BACKOFF: BackoffOptions = { baseMs: 200, capMs: 10_000 };
/** Fewer in a row are usual for a server that is busy. */
const FAILURES_TO_TELL = 3;

export interface PatienceOptions {
  /** Longest time without any success. */
  readonly forMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told once of a wait that takes longer. */
  readonly onWarning: (message: string) => void;
}

/** Waits between attempts: exponentially longer, with full jitter, until `forMs` have passed without a success. */
export class Patience {
  readonly #options: PatienceOptions;
  #failures = 0;
  #sinceMs = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Something went well: the time begins anew. */
  reset(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for another attempt; rejects with `error` when another would not help or it is too late. */
  async wait(error: unknown): Promise<void> {
    const { forMs, signal, onWarning } = this.#options;
    const now = performance.now();
    if (this.#failures === 0) this.#sinceMs = now;
    if (failureOutcome(error) !== 'retry' || now - this.#sinceMs >= forMs || signal?.aborted === true) throw error;
    if (this.#failures + 1 === FAILURES_TO_TELL)
      onWarning(`${messageOf(error)} It is asked again for up to ${Math.round(forMs / 1000)} s.`);
    const waitMs = Math.min(backoffDelayMs(this.#failures++, Math.random(), BACKOFF), forMs);
    try {
      await delay(waitMs, undefined, signal === undefined ? {} : { signal });
    } catch {
      throw error;
    }
  }
}
