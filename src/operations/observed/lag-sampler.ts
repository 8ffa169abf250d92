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

/** Measures the lag of a group every few seconds while it runs, and once more when that is ended by the answer. */
export function sampleLag({ log, group, topics, metrics, everyMs = SAMPLE_MS }: LagSamplerOptions): () => void {
  let sampling: Promise<void> | undefined;
  const sample = async (): Promise<void> => {
    for (const topic of topics)
      for (const { partition, lag } of await placesOf(log, group, topic)) metrics.lag(group, topic, partition, lag);
  };
  const tick = (): void => {
    // A log that is slow to answer is not asked twice at a time. One that fails here fails the run where it matters,
    // and the gauge keeps what was measured last.
    sampling ??= sample()
      .catch(() => undefined)
      .finally(() => {
        sampling = undefined;
      });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    // What is being measured may have been looked at before the last commit.
    void (sampling ?? Promise.resolve()).then(tick);
  };
}
