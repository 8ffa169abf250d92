import type { EventEmitter } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * npm, npx and our own launcher forward signals that the terminal has already sent to the whole process group, so
 * one Ctrl-C arrives two or three times within milliseconds. Signals this close together are one.
 */
const SAME_KEYPRESS_MS = 400;

export interface StopOptions {
  /** The process, or anything that emits signals. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>;
  readonly say: (line: string) => void;
  /** Ends the process by this signal. */
  readonly endAtOnce: (signal: NodeJS.Signals) => void;
  readonly nowMs: () => number;
}

export interface Stop {
  readonly signal: AbortSignal;
  /** Takes the handlers off again. */
  dispose(): void;
}

/** The first signal asks for a clean stop, the second ends the process at once. Both are safe: the log decides. */
export function installStop({ signals, say, endAtOnce, nowMs }: StopOptions): Stop {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (firstAtMs === undefined) {
      firstAtMs = nowMs();
      say('stopping: finishing and committing what is in flight. Once more ends at once (nothing is lost).');
      controller.abort();
    } else if (nowMs() - firstAtMs >= SAME_KEYPRESS_MS) {
      endAtOnce(name);
    }
  };
  for (const name of SIGNALS) signals.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of SIGNALS) signals.off(name, onSignal);
    },
  };
}
