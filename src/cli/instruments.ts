import { Instruments } from '../operations/observed/instruments.ts';
import type { Logger } from '../telemetry/log.ts';

export interface InstrumentsWorld {
  readonly log: Logger;
  /** A line on stderr that no level hides. */
  readonly say: (line: string) => void;
  /** Aborts when a stop begins. */
  readonly signal: AbortSignal;
  /** Our own version. */
  readonly version: () => string;
}

export interface OpenInstruments {
  readonly instruments: Instruments;
  close(): Promise<void>;
}

/**
 * Log lines always; metrics and health over HTTP when `metricsPort` is given, and only then what that takes is loaded.
 *
 * @throws UsageError when the port is taken.
 */
export async function openInstruments(
  { metricsPort, metricsHost }: { readonly metricsPort?: unknown; readonly metricsHost?: unknown },
  { log, say, signal, version }: InstrumentsWorld,
): Promise<OpenInstruments> {
  if (typeof metricsPort !== 'number') {
    const instruments = new Instruments({ logger: log });
    const close = (): Promise<void> => {
      instruments.close();
      return Promise.resolve();
    };
    return { instruments, close };
  }
  const [{ createPipelineMetrics }, { startObservationServer }] = await Promise.all([
    import('../telemetry/metrics/pipeline-metrics.ts'),
    import('../telemetry/observation-server.ts'),
  ]);
  const metrics = createPipelineMetrics({ version: version() });
  const instruments = new Instruments({ logger: log, metrics });
  const host = typeof metricsHost === 'string' ? metricsHost : '127.0.0.1';
  const { readiness } = instruments;
  const server = await startObservationServer({ host, port: metricsPort, metrics, readiness });
  signal.addEventListener('abort', () => {
    readiness.stop('stopping: what is in flight is finished and committed');
  });
  say(`metrics: ${server.url}/metrics (health: /health/live, /health/ready)`);
  return {
    instruments,
    close: async () => {
      instruments.close();
      await server.close();
    },
  };
}
