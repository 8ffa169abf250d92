import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { named } from './counting.ts';
import { createLogMetrics, type LogMetrics } from './log-metrics.ts';
import { createModelMetrics, type ModelMetrics } from './model-metrics.ts';
import { createStageMetrics, type StageMetrics } from './stage-metrics.ts';

/**
 * All metrics of one process, and Node's own. Labels are names that the user chose (models, sources, sinks), topics,
 * groups, partitions and codes: never ids, file names or messages, so that there are few.
 */
export interface PipelineMetrics {
  readonly log: LogMetrics;
  readonly models: ModelMetrics;
  readonly stages: StageMetrics;
  readonly contentType: string;
  /** `look` is called before each answer: for counts that nobody tells of by himself. Answers how to end that. */
  beforeAnswer(look: () => void): () => void;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

export function createPipelineMetrics({ version }: { readonly version: string }): PipelineMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const build = named(registry, 'build_info', 'Always 1; the labels say what is running.', ['version', 'node']);
  new Gauge(build).set({ version, node: process.version }, 1);
  const looks = new Set<() => void>();
  return {
    log: createLogMetrics(registry),
    models: createModelMetrics(registry),
    stages: createStageMetrics(registry),
    contentType: registry.contentType,
    beforeAnswer: (look) => {
      looks.add(look);
      return () => {
        look();
        looks.delete(look);
      };
    },
    text: () => {
      for (const look of looks) look();
      return registry.metrics();
    },
  };
}
