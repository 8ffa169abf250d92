import type { Log } from '../../log/port.ts';
import type { LogMetrics } from '../../telemetry/metrics/log-metrics.ts';
import { placesOf } from '../group-progress.ts';

const SAMPLE_MS = 5_000;

export interface LagSamplerOptions {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  readonly metrics: Pick<LogMetrics, 'lag'>;
  readonly everyMs?: number;
}

/** Ends the sampling; `last` measures once more before it resolves. Never rejects. */
export type EndSampling = (options: { readonly last: boolean }) => Promise<void>;

/** Measures the lag of a group every few seconds while it runs. */
export function sampleLag({ log, group, topics, metrics, everyMs = SAMPLE_MS }: LagSamplerOptions): EndSampling {
  let sampling: Promise<void> | undefined;
  const sample = async (): Promise<void> => {
    for (const topic of topics)
      for (const { partition, lag } of await placesOf(log, group, topic)) metrics.lag(group, topic, partition, lag);
  };
  const tick = (): Promise<void> => {
    // A log that is slow to answer is not asked twice at a time. One that fails here fails the run where it matters,
    // and the gauge keeps what was measured last.
    sampling ??= sample()
      .catch(() => undefined)
      .finally(() => {
        sampling = undefined;
      });
    return sampling;
  };
  void tick();
  const timer = setInterval(() => void tick(), everyMs);
  timer.unref();
  return async ({ last }) => {
    clearInterval(timer);
    if (!last) return;
    // What is being measured may have been looked at before the last commit.
    await sampling;
    await tick();
  };
}
