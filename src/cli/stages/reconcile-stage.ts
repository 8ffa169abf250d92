import { catalogEntry } from '../../models/catalog/find-model.ts';
import { IdentityIndex } from '../../ledger/identity-index.ts';
import { commonPartitions } from '../../log/partition-counts.ts';
import { PipelineError } from '../../errors.ts';
import type { TopicInfo } from '../../log/port.ts';
import { describeModel } from '../../models/describe-model.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import { DIFFERENCE_MEANING, type Differences } from '../../operations/reconcile/differences.ts';
import { importedOf, readImportColumns } from '../../operations/reconcile/import-columns.ts';
import { kindsByLedger, POSSIBLE_KINDS } from '../../operations/reconcile/kinds-by-ledger.ts';
import { TimeColumn } from '../../operations/reconcile/columns.ts';
import { readModelColumns, type ModelColumns } from '../../operations/reconcile/model-columns.ts';
import {
  reconcileModel,
  type ModelReconciliation,
  type ModelToReconcile,
} from '../../operations/reconcile/reconcile-model.ts';
import {
  reconcileSink,
  sinkToReconcile,
  type SinkReconciliation,
  type SinkToReconcile,
} from '../../operations/reconcile/reconcile-sink.ts';
import {
  reconcileStore,
  storeToReconcile,
  type EmbeddingVersions,
  type StoreToReconcile,
} from '../../operations/reconcile/reconcile-store.ts';
import { reconcileSources, type SourceReconciliation } from '../../operations/reconcile/reconcile-sources.ts';
import { readRecordColumns } from '../../operations/reconcile/record-columns.ts';
import { modelsOnLog, sinksOnLog } from '../../operations/topic-reading.ts';
import type { Store } from '../../sinks/stores/port.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { Workspace } from '../wiring.ts';
import { loadAdapter, openStore, type StoreAccess } from './open-store.ts';

export interface Reconciliation {
  readonly sources: readonly SourceReconciliation[];
  readonly models: readonly ModelReconciliation[];
  readonly sinks: readonly SinkReconciliation[];
  readonly differences: number;
  readonly json: unknown;
}

export interface ReconcileStageOptions {
  /** As given to `--model`: names, aliases or folders. Left out: all that are on the log. */
  readonly models?: readonly string[];
  /** Only these outputs, by name. Left out: all that are on the log. */
  readonly sinks?: readonly string[];
  readonly signal: AbortSignal;
  /** How stores are reached. */
  readonly stores: StoreAccess;
  /** Write to stores what they lack, and delete from them what they should not have. */
  readonly repairStores?: boolean;
}

/** Offsets of the records topic: at least its records. */
function recordsOn(topics: readonly TopicInfo[], name: string): number {
  const partitions = topics.find((topic) => topic.name === name)?.partitionInfo ?? [];
  return partitions.reduce((total, { startOffset, endOffset }) => total + endOffset - startOffset, 0);
}

/** Recounts everything from the log and the files: each topic and each file is read once. */
export async function reconcileStage(workspace: Workspace, options: ReconcileStageOptions): Promise<Reconciliation> {
  const { log, codec, namespace } = workspace;
  const topics = await log.topics();
  commonPartitions(topics, namespace);
  const ids = new IdentityIndex({ expected: recordsOn(topics, workspace.topics.records) });
  const buckets = { environment: process.env };
  const context = { log, codec, topics: workspace.topics, ids, ...buckets, signal: options.signal };
  const groups = new Set((await log.groups()).map(({ group }) => group));
  const wanted = (await modelsToReconcile(topics, namespace, options.models, workspace.modelEnvironment)).map(
    (model) => ({
      ...model,
      hasProcessor: groups.has(processorGroup(namespace, model.name)),
    }),
  );
  const outputs = (await outputsOf(workspace, topics)).filter(({ name }) => options.sinks?.includes(name) ?? true);
  const kindSets = wanted.flatMap(({ kinds }) => (kinds === undefined ? POSSIBLE_KINDS : [kinds]));
  const records = await readRecordColumns(context, kindSets);
  const sources = await reconcileSources(context, topics, records);
  const imports = await readImportColumns(context, topics);
  const models: ModelReconciliation[] = [];
  const sinks: SinkReconciliation[] = [];
  for (const model of wanted) {
    const columns = await readModelColumns(context, model.name, records.retries, {
      withCreatedAt: outputs.some((output) => 'adapter' in output && output.model === model.name),
    });
    const kinds = model.kinds ?? kindsByLedger(ids.size, columns.ledger, records);
    models.push(await reconcileModel(context, { ...model, kinds }, records, columns, importedOf(imports, model.name)));
    const topic = context.topics.embeddings(model.name);
    for (const output of outputs.filter((each) => each.topic === topic))
      sinks.push(
        'adapter' in output
          ? await withStore(workspace, options.stores, output, (store) =>
              reconcileStore(context, output, store, versionsOf(columns), { repair: options.repairStores ?? false }),
            )
          : await reconcileSink(context, output, columns.versions),
      );
  }
  sinks.sort((a, b) => a.sink.localeCompare(b.sink));
  const parts = [...sources, ...models, ...sinks];
  const differences = parts.reduce((total, part) => total + part.differences.total, 0);
  const json = { differences, sources: sources.map(plain), models: models.map(plain), sinks: sinks.map(plain) };
  return { sources, models, sinks, differences, json };
}

type WantedModel = Omit<ModelToReconcile, 'kinds'> & Partial<Pick<ModelToReconcile, 'kinds'>>;

/**
 * A model on the log whose files are not at hand (it came from a folder, or was imported) is taken as its latest ledger
 * entry has it.
 */
async function modelsToReconcile(
  topics: readonly TopicInfo[],
  namespace: string,
  models: readonly string[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<WantedModel[]> {
  const onLog = modelsOnLog(topics, namespace);
  return Promise.all(
    (models ?? onLog).map(async (name): Promise<WantedModel> => {
      const entry = catalogEntry(name);
      if (entry?.weights.runtime === 'hub') return { name: entry.name, kinds: entry.kinds };
      return onLog.includes(name) && entry === undefined ? { name } : describeModel(name, environment);
    }),
  );
}

/** All that sinks have written to, as the log has it. */
export async function outputsOf(
  workspace: Workspace,
  topics: readonly TopicInfo[],
): Promise<(SinkToReconcile | StoreToReconcile)[]> {
  const outputs: (SinkToReconcile | StoreToReconcile)[] = [];
  for (const name of sinksOnLog(topics, workspace.namespace)) {
    const output = (await storeToReconcile(workspace, name)) ?? (await sinkToReconcile(workspace, name));
    if (output !== undefined) outputs.push(output);
  }
  return outputs;
}

function versionsOf({ versions, createdAt = new TimeColumn(0) }: ModelColumns): EmbeddingVersions {
  return { versions, createdAt };
}

async function withStore<Result>(
  workspace: Workspace,
  access: StoreAccess,
  { adapter, name, location, model, dimension }: StoreToReconcile,
  body: (store: Store) => Promise<Result>,
): Promise<Result> {
  const place = { sinkName: name, location, model, dimension, similarity: catalogEntry(model)?.similarity };
  try {
    const store = await openStore(await loadAdapter(adapter), workspace, access, place);
    try {
      return await body(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof PipelineError) || !error.retriable) throw error;
    const message = `${error.message} This is the output ${name}. Where it is no more, name the others: reconcile --sink=NAME,….`;
    throw new PipelineError(error.code, message, { retriable: true, cause: error });
  }
}

function plain({
  differences,
  ...rest
}: {
  readonly differences: Differences;
  readonly rewriteFrom?: unknown;
}): unknown {
  delete rest.rewriteFrom;
  return { ...rest, differences: differences.counts(), ids: differences.kept };
}

export function describeReconciliation({ sources, models, sinks, differences }: Reconciliation): string {
  if (sources.length + models.length + sinks.length === 0)
    return 'reconcile\n  There is nothing on this log to compare: are --data-dir and --namespace as they should be?';
  const lines = ['reconcile'];
  for (const each of sources)
    lines.push(`  source ${each.source}: ${formatCount(each.published)} published${verdict(each.differences)}`);
  for (const each of models) {
    const parts = [
      `${formatCount(each.embedded)} embedded`,
      ...(each.deadLettered > 0 ? [`${formatCount(each.deadLettered)} dead-lettered`] : []),
      ...(each.retried > 0 ? [`${formatCount(each.retried)} waiting for a retry`] : []),
      ...(each.notApplicable > 0 ? [`${formatCount(each.notApplicable)} not applicable`] : []),
    ];
    const imported = `${formatCount(each.imported)} imported`;
    const ofRecords = `${formatCount(each.records)} live records = ${parts.join(' + ')}`;
    const counted = each.imported === 0 ? ofRecords : each.records === 0 ? imported : `${ofRecords}; ${imported}`;
    lines.push(`  model ${each.model}: ${counted}${verdict(each.differences)}`);
  }
  for (const each of sinks) {
    const { shards, deadLettered = 0 } = each;
    const where = shards === undefined ? '' : ` in ${formatCount(shards)} ${shards === 1 ? 'shard' : 'shards'}`;
    const refused = deadLettered === 0 ? '' : `, ${formatCount(deadLettered)} dead-lettered`;
    lines.push(
      `  sink ${each.sink}: ${formatCount(each.live)} live embeddings${where}${refused}${verdict(each.differences)}`,
    );
  }
  const found = `${formatCount(differences)} ${differences === 1 ? 'difference' : 'differences'}`;
  lines.push(differences === 0 ? '  Nothing is missing, stale or double.' : `  ${found}.`);
  return lines.join('\n');
}

function verdict(differences: Differences): string {
  if (differences.total === 0) return ': complete';
  const lines = Object.entries(differences.counts()).map(([kind, count]) => {
    const of = differences.kept.filter((difference) => difference.kind === kind);
    const ids = of.map(({ id }) => `\n      ${id}`).join('');
    const more = count > of.length ? `\n      … and ${formatCount(count - of.length)} more` : '';
    return `\n    ${formatCount(count)} ${kind}: ${DIFFERENCE_MEANING[kind as keyof typeof DIFFERENCE_MEANING]}${ids}${more}`;
  });
  return lines.join('');
}
