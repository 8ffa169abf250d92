import type { RunOptions } from '../../log/port.ts';
import { compactedTopic, compressedTopic, deadLetterTopic } from '../../log/topics.ts';
import { caughtUp } from '../../operations/caught-up.ts';
import { findModelOrImported, type KnownModel } from '../../operations/model-on-log.ts';
import type { Store, StoreAdapter, StoreOptions } from '../../sinks/stores/port.ts';
import { prepareStore } from '../../sinks/stores/prepare-store.ts';
import { createStoreSink, storeInputs, type StoreSink } from '../../sinks/stores/store-sink.ts';
import { storeSinkNames } from '../../sinks/stores/store-names.ts';
import { StoreTarget } from '../../sinks/stores/store-target.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { loadAdapter, openStore } from './open-store.ts';
import { watchTotal } from './watch-total.ts';

export type StoreContext = Pick<CommandContext, 'signal' | 'log' | 'progress'> & { readonly options: StoreOptions };

export interface StoreStageOptions {
  /** Name of the adapter. */
  readonly format: string;
  readonly model: string;
  readonly sinkName?: string | undefined;
  /** Left out: as the flags say. */
  readonly location?: string | undefined;
  readonly takeOver?: boolean;
  /** Left out: follow until the signal. */
  readonly until?: Exclude<RunOptions['until'], undefined>;
  readonly partitions?: number | undefined;
  /** Fill it anew, beside what it holds or in its place. */
  readonly rebuild?: boolean;
  /** The command's models, this one among them. */
  readonly together?: readonly string[] | undefined;
  /** Hand over again from these offsets on, by partition of the embeddings topic. */
  readonly from?: ReadonlyMap<number, number> | undefined;
}

/** A pause, or a wait for others to be written with, while following. */
const FOLLOW_QUIET_MS = 1_000;
const LINGER_MS = 5_000;
const BATCH_RECORDS = 2_048;
/** They lie in memory as bytes, as objects, and as a request's body; fetched ahead, in hand and in flight. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Brings a store up to the log. */
export async function storeStage(
  workspace: Workspace,
  context: StoreContext,
  stageOptions: StoreStageOptions,
): Promise<SinkReport> {
  const { format } = stageOptions;
  const prepared = workspace.instruments.preparing(`sink ${format}`);
  const adapter = await loadAdapter(format);
  const model = await findModelOrImported(workspace, stageOptions.model);
  const location = stageOptions.location ?? adapter.locate(context.options, process.env, model.name);
  const target = await openTarget(workspace, stageOptions, { adapter, location, model });
  const store = await openStore(adapter, workspace, context, {
    ...{ location, model: model.name, dimension: model.dimension, similarity: model.similarity },
    sinkName: target.names.sinkName,
    together: await namesOf(workspace, stageOptions),
  });
  try {
    await prepareStore({
      ...{ log: workspace.log, store, target, from: stageOptions.from, rebuild: stageOptions.rebuild },
      inputs: storeInputs(store, workspace.topics, model.name),
      embeddings: workspace.topics.embeddings(model.name),
    });
    return await fill(workspace, context, stageOptions, { store, target, model, location, prepared });
  } finally {
    await store.close();
  }
}

async function namesOf(workspace: Workspace, { together = [] }: StoreStageOptions): Promise<string[]> {
  return Promise.all(together.map(async (model) => (await findModelOrImported(workspace, model)).name));
}

async function openTarget(
  workspace: Workspace,
  { sinkName, partitions }: StoreStageOptions,
  { adapter, location, model }: { adapter: StoreAdapter; location: string; model: KnownModel },
): Promise<StoreTarget> {
  const { log, topics } = workspace;
  const count = await partitionCount(workspace, partitions);
  const identity = { adapter: adapter.name, location, model: model.name, ...(sinkName !== undefined && { sinkName }) };
  await log.ensureTopics([
    compressedTopic(topics.records, count),
    compactedTopic(topics.embeddings(model.name), count),
    deadLetterTopic(topics.deadLetters, count),
    compressedTopic(storeSinkNames(identity, topics).shardsTopic, count),
  ]);
  return StoreTarget.open({ ...workspace, ...identity, dimension: model.dimension });
}

interface Filling {
  readonly store: Store;
  readonly target: StoreTarget;
  readonly model: KnownModel;
  readonly location: string;
  /** To be called right before the group runs. */
  readonly prepared: () => void;
}

async function fill(
  workspace: Workspace,
  { signal, progress }: StoreContext,
  { format, until, takeOver = false }: StoreStageOptions,
  { store, target, model, location, prepared }: Filling,
): Promise<SinkReport> {
  const { log, topics, codec, instruments } = workspace;
  const { sinkName, group } = target.names;
  const isFollowing = until === undefined;
  const sink = createStoreSink({
    ...{ store, group, log, codec, topics, model: model.name, dimension: model.dimension },
    ...(isFollowing && { lingerMs: LINGER_MS }),
    onDeadLetter: instruments.onDeadLetter,
  });
  const startMs = performance.now();
  const stage = progress.stage(`sink ${format}`, { unit: 'embeddings' });
  const done = (): number => sink.stats().embeddings;
  const stopCounting = instruments.sink(sinkName, () => {
    const { embeddings, deletions, bytes, deadLettersByReason } = sink.stats();
    return { rows: embeddings, deletions, bytes, shards: 0, deadLettersByReason };
  });
  const stopWatching = watchTotal(workspace, group, topics.embeddings(model.name), done, stage);
  try {
    prepared();
    await runToCompletion(workspace, sink, {
      complete: async () => {
        await store.complete();
        await target.noteCompleted();
      },
      run: {
        ...{ maxBatchRecords: BATCH_RECORDS, maxBatchBytes: BATCH_BYTES, takeOver, quietMs: FOLLOW_QUIET_MS, signal },
        ...(until !== undefined && { until }),
      },
    });
  } finally {
    stopWatching();
    stopCounting();
  }
  const { embeddings, deletions, bytes, deadLettered, deadLettersByReason } = sink.stats();
  stage.setDone(embeddings);
  // As in process-stage.ts.
  if (!isFollowing && !signal.aborted) stage.setTotal(embeddings);
  stage.finish();
  const elapsedMs = performance.now() - startMs;
  const counts = { embeddings, deletions, bytes, deadLettered, deadLettersByReason };
  return { sink: sinkName, model: model.name, out: location, ...counts, elapsedMs };
}

/** Whoever follows has the store completed as soon as it has caught up, and goes on. */
async function runToCompletion(
  { log }: Workspace,
  sink: StoreSink,
  options: { readonly run: RunOptions & { readonly signal: AbortSignal }; readonly complete: () => Promise<void> },
): Promise<void> {
  const { run, complete } = options;
  if (run.until !== undefined) {
    await log.run(sink, run);
    if (!run.signal.aborted) await complete();
    return;
  }
  const failed = new AbortController();
  const ended = new AbortController();
  const watching = AbortSignal.any([ended.signal, run.signal]);
  const running = log.run(sink, { ...run, signal: AbortSignal.any([run.signal, failed.signal]) }).finally(() => {
    ended.abort();
  });
  const completing = caughtUp({ log, group: sink.group, topics: sink.inputs }, watching)
    .then((isSo) => (isSo ? complete() : undefined))
    .catch((error: unknown) => {
      failed.abort();
      throw error;
    });
  const results = await Promise.allSettled([running, completing]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
