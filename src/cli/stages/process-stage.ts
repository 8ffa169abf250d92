import { createEmbedder } from '../../models/create-embedder.ts';
import type { Embedder } from '../../models/port.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../processors/embedding-task.ts';
import type { RunOptions } from '../../log/port.ts';
import type { ProcessReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import type { modelRunFlags } from '../definitions/process.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { watchTotal } from './watch-total.ts';

export type ProcessContext = Pick<CommandContext<typeof modelRunFlags>, 'options' | 'signal' | 'log' | 'progress'>;

export interface ProcessStageOptions {
  readonly model: string;
  /** When to end; left out: only at the signal. */
  readonly until?: Exclude<RunOptions['until'], undefined>;
  /** Partitions of topics that are not there yet. */
  readonly partitions?: number | undefined;
}

/** Loads one model and embeds what is on the log. */
export async function processStage(
  workspace: Workspace,
  context: ProcessContext,
  { model, until, partitions }: ProcessStageOptions,
): Promise<ProcessReport> {
  const { options, signal } = context;
  const { instruments } = workspace;
  const prepared = instruments.preparing(`process ${model}`);
  const { workers, batchTokens } = options;
  const embedder = await instruments.loadModel(() =>
    createEmbedder({
      model,
      ...(workers !== undefined && { workers }),
      ...(batchTokens !== undefined && { batchTokens }),
    }),
  );
  try {
    await ensureProcessorTopics(
      workspace.log,
      workspace.topics,
      embedder.info.name,
      await partitionCount(workspace, partitions),
    );
    return await runProcessor(workspace, context, embedder, prepared, {
      maxBatchRecords: embedder.windowSize,
      takeOver: options.takeOver,
      signal,
      ...(until !== undefined && { until }),
    });
  } finally {
    await embedder.close();
  }
}

async function runProcessor(
  workspace: Workspace,
  { progress }: ProcessContext,
  embedder: Embedder,
  prepared: () => void,
  run: RunOptions,
): Promise<ProcessReport> {
  const startMs = performance.now();
  const { name } = embedder.info;
  const stage = progress.stage(`process ${name}`, { unit: 'records' });
  const { instruments } = workspace;
  const count = instruments.processor(name);
  const task = new EmbeddingTask({
    ...workspace,
    embedder,
    onProgress: (counts) => {
      stage.setDone(counts.read);
      count(counts);
    },
    onDeadLetter: instruments.onDeadLetter,
  });
  const stopWatching = watchTotal(workspace, task.group, task.inputs[0] ?? '', () => task.counts.read, stage);
  try {
    prepared();
    await workspace.log.run(task, run);
  } finally {
    stopWatching();
  }
  // What is left counts offsets, and a server has offsets without a record.
  if (run.until !== undefined && run.signal?.aborted !== true) stage.setTotal(task.counts.read);
  stage.finish();
  return { model: name, ...task.counts, elapsedMs: performance.now() - startMs };
}
