import { logClosed } from './log-errors.ts';

/** The runs of one log handle, so that closing it stops them cleanly first. */
export class RunningTasks {
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Throws LOG_CLOSED. */
  check(): void {
    if (this.closed) throw logClosed();
  }

  async track(start: (closing: AbortSignal) => Promise<void>): Promise<void> {
    this.check();
    const run = start(this.#closing.signal);
    this.#runs.add(run);
    try {
      await run;
    } finally {
      this.#runs.delete(run);
    }
  }

  /** Stops all runs cleanly and waits for them; how each ended is known to who awaits it. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#runs);
  }
}
