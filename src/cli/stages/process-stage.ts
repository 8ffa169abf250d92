import { PipelineError } from '../../errors.ts';
import type { Embedder } from '../../models/port.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../processors/embedding-task.ts';
import type { RunOptions } from '../../log/port.ts';
import type { ProcessReport } from '../../telemetry/report.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import type { ModelContext } from './load-models.ts';
import { watchTotal } from './watch-total.ts';

export interface ProcessStageOptions extends Pick<RunOptions, 'until' | 'sharedReads'> {
  /** Closed at the end, whatever happens. */
  readonly embedder: Embedder;
  /** Partitions of topics that are not there yet. */
  readonly partitions?: number | undefined;
  /** Called right before the group runs. */
  readonly prepared: () => void;
}

/** Embeds with one model what is on the log; without `until`, until the signal. */
export async function processStage(
  workspace: Workspace,
  context: ModelContext,
  { embedder, partitions, prepared, ...run }: ProcessStageOptions,
): Promise<ProcessReport> {
  try {
    await ensureProcessorTopics(
      workspace.log,
      workspace.topics,
      embedder.info.name,
      await partitionCount(workspace, partitions),
    );
    return await runProcessor(workspace, context, embedder, prepared, {
      ...run,
      maxBatchRecords: embedder.windowSize,
      takeOver: context.options.takeOver,
      signal: context.signal,
    });
  } finally {
    await embedder.close();
  }
}

async function runProcessor(
  workspace: Workspace,
  { progress }: Pick<ModelContext, 'progress'>,
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
  let ended: string | undefined;
  try {
    prepared();
    await workspace.log.run(task, run);
  } catch (error) {
    ended = endedByRequest(error, run.signal);
    if (ended === undefined) throw error;
  } finally {
    stopWatching();
  }
  // What is left counts offsets, and a server has offsets without a record.
  if (run.until !== undefined && run.signal?.aborted !== true && ended === undefined) stage.setTotal(task.counts.read);
  stage.finish();
  const usage = embedder.usage?.();
  return {
    model: name,
    ...task.counts,
    ...(usage !== undefined && { usage }),
    ...(ended !== undefined && { ended }),
    elapsedMs: performance.now() - startMs,
  };
}

/** A model behind an API rejects what it has not sent at a stop, and at the limit of cost: both were asked for. */
function endedByRequest(error: unknown, signal: AbortSignal | undefined): string | undefined {
  if (error instanceof PipelineError && error.code === 'HOSTED_COST_LIMIT') return error.message;
  return signal?.aborted === true && error === signal.reason
    ? 'Stopped: run the same command again to go on.'
    : undefined;
}
