/** Time as membership sees it, so that tests can move it. */
export interface Clock {
  /** Wall clock, ms: it goes on while a machine sleeps. */
  now(): number;
  /** Calls once after `ms` unless the function it answers with is called before. */
  after(ms: number, call: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
