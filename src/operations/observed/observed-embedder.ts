import type { Embedder, EmbedInput } from '../../models/port.ts';
import type { ModelMetrics } from '../../telemetry/metrics/model-metrics.ts';

/** The same model, with what goes into it and comes out of it counted. */
export function observeEmbedder(embedder: Embedder, metrics: ModelMetrics): Embedder {
  const { info, windowSize, windowsInFlight } = embedder;
  const { name } = info;
  const usage = embedder.usage?.bind(embedder);
  return {
    info,
    windowSize,
    ...(windowsInFlight !== undefined && { windowsInFlight }),
    ...(usage !== undefined && { usage }),
    embed: async (inputs, options) => {
      const bytes = inputs.reduce((total, input) => total + bytesOf(input), 0);
      metrics.queued(name, { inputs: inputs.length, bytes });
      const startMs = performance.now();
      try {
        const result = await embedder.embed(inputs, options);
        metrics.embedded(name, {
          seconds: (performance.now() - startMs) / 1000,
          tokens: sum(result.tokenCounts),
          truncated: sum(result.truncated),
          faults: result.faults.size,
        });
        return result;
      } catch (error) {
        metrics.failed(name);
        throw error;
      } finally {
        if (usage !== undefined) metrics.used(name, usage());
        metrics.queued(name, { inputs: -inputs.length, bytes: -bytes });
      }
    },
    close: () => embedder.close(),
  };
}

function bytesOf({ text, image }: EmbedInput): number {
  return (text === undefined ? 0 : Buffer.byteLength(text)) + (image?.bytes.length ?? 0);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
