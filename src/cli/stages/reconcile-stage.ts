import { catalogEntries } from '../../models/catalog/entries.ts';
import type { TopicInfo } from '../../log/port.ts';
import { ZERO_FINGERPRINT } from '../../record/types.ts';
import { describeModel } from '../../models/describe-model.ts';
import { DIFFERENCE_MEANING, type Differences } from '../../operations/reconcile/differences.ts';
import {
  latestFingerprint,
  latestRecords,
  reconcileModel,
  type ModelReconciliation,
  type ModelToReconcile,
  type ReconcileContext,
} from '../../operations/reconcile/reconcile-model.ts';
import { reconcileSink, type SinkReconciliation } from '../../operations/reconcile/reconcile-sink.ts';
import { reconcileSources, type SourceReconciliation } from '../../operations/reconcile/reconcile-sources.ts';
import { modelsOnLog, sinksOnLog } from '../../operations/topic-reading.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { Workspace } from '../wiring.ts';

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
  readonly signal: AbortSignal;
}

/** Recounts everything from the log and the files. */
export async function reconcileStage(workspace: Workspace, options: ReconcileStageOptions): Promise<Reconciliation> {
  const { signal } = options;
  const context = { ...workspace, signal };
  const topics = await workspace.log.topics();
  const records = await latestRecords(context);
  const sources = await reconcileSources(context, topics, records);
  const wanted = await modelsToReconcile(context, topics, options.models);
  const models: ModelReconciliation[] = [];
  for (const model of wanted) models.push(await reconcileModel(context, model, records));
  const sinks: SinkReconciliation[] = [];
  for (const sink of sinksOnLog(topics, workspace.namespace)) {
    const result = await reconcileSink(context, sink);
    if (result !== undefined && wanted.some(({ name }) => name === result.model)) sinks.push(result);
  }
  const parts = [...sources, ...models, ...sinks];
  const differences = parts.reduce((total, part) => total + part.differences.total, 0);
  const json = { differences, sources: sources.map(plain), models: models.map(plain), sinks: sinks.map(plain) };
  return { sources, models, sinks, differences, json };
}

/** A model on the log that is in no catalogue (it came from a folder) is taken as its latest ledger entry has it. */
async function modelsToReconcile(
  context: ReconcileContext & Pick<Workspace, 'namespace'>,
  topics: readonly TopicInfo[],
  models: readonly string[] | undefined,
): Promise<ModelToReconcile[]> {
  if (models !== undefined) return Promise.all(models.map(describeModel));
  const known = new Set(catalogEntries.map(({ name }) => name));
  return Promise.all(
    modelsOnLog(topics, context.namespace).map(async (name) =>
      known.has(name)
        ? describeModel(name)
        : { name, kinds: ['text'], fingerprint: (await latestFingerprint(context, name)) ?? ZERO_FINGERPRINT },
    ),
  );
}

function plain({ differences, ...rest }: { readonly differences: Differences }): unknown {
  return { ...rest, differences: differences.counts(), ids: differences.kept };
}

export function describeReconciliation({ sources, models, sinks, differences }: Reconciliation): string {
  const lines = ['reconcile'];
  for (const each of sources)
    lines.push(`  source ${each.source}: ${formatCount(each.published)} published${verdict(each.differences)}`);
  for (const each of models) {
    const parts = [
      `${formatCount(each.embedded)} embedded`,
      ...(each.deadLettered > 0 ? [`${formatCount(each.deadLettered)} dead-lettered`] : []),
      ...(each.notApplicable > 0 ? [`${formatCount(each.notApplicable)} not applicable`] : []),
    ];
    lines.push(
      `  model ${each.model}: ${formatCount(each.records)} live records = ${parts.join(' + ')}${verdict(each.differences)}`,
    );
  }
  for (const each of sinks)
    lines.push(
      `  sink ${each.sink}: ${formatCount(each.live)} live embeddings in ${formatCount(each.shards)} shards${verdict(each.differences)}`,
    );
  lines.push(
    differences === 0 ? '  Nothing is missing, stale or double.' : `  ${formatCount(differences)} differences.`,
  );
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
