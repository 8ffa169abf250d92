import type { Timing } from '../../../src/models/hosted/timing.ts';

export interface ManualTiming extends Timing {
  /** Every wait that was asked for. */
  readonly waits: number[];
}

/**
 * Time in which waits take none of anyone's: when all is quiet, it jumps to the next one that is due. Requests to a
 * server take no time at all by it.
 */
export function jumpingTiming(random = (): number => 0.5): ManualTiming {
  let nowMs = 0;
  const due: { readonly atMs: number; readonly wake: () => void }[] = [];
  const waits: number[] = [];
  let isScheduled = false;
  const jump = (): void => {
    isScheduled = false;
    due.sort((a, b) => a.atMs - b.atMs);
    const next = due.shift();
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
    if (due.length > 0) schedule();
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    // Real requests on the loopback get their turn first.
    setTimeout(jump, 5);
  };
  return {
    waits,
    now: () => nowMs,
    random,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        waits.push(ms);
        due.push({ atMs: nowMs + ms, wake: resolve });
        signal.addEventListener('abort', () => {
          resolve();
        });
        schedule();
      }),
  };
}
