import { setTimeout as sleep } from 'node:timers/promises';

interface HostState {
  active: number;
  pausedUntilMs: number;
  readonly waiting: (() => void)[];
}

/** So many requests to a host at a time, and none while it has asked for a pause. */
export class HostTurns {
  readonly #most: number;
  readonly #hosts = new Map<string, HostState>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Waits for a turn; what it answers with ends the turn. Rejects when aborted. */
  async enter(host: string, signal: AbortSignal | undefined): Promise<() => void> {
    const state = this.#state(host);
    if (state.active < this.#most) state.active++;
    // Whoever leaves hands its turn over.
    else await new Promise<void>((resolve) => state.waiting.push(resolve));
    const leave = (): void => {
      const next = state.waiting.shift();
      if (next === undefined) state.active--;
      else next();
    };
    try {
      signal?.throwIfAborted();
      for (let ms = left(state); ms > 0; ms = left(state)) await sleep(ms, undefined, { ...(signal && { signal }) });
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  pause(host: string, ms: number): void {
    const state = this.#state(host);
    state.pausedUntilMs = Math.max(state.pausedUntilMs, performance.now() + ms);
  }

  #state(host: string): HostState {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const state = { active: 0, pausedUntilMs: 0, waiting: [] };
    this.#hosts.set(host, state);
    return state;
  }
}

function left({ pausedUntilMs }: HostState): number {
  return Math.ceil(pausedUntilMs - performance.now());
}
