import { UsageError } from '../../errors.ts';
import type { TopicInfo } from '../../log/port.ts';
import type { TopicAdmin, TopicCondition } from '../../log/topic-admin.ts';
import { topicRole, topicSpecOf } from '../../log/topics.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { isRepositoryName } from '../../models/catalog/model-spec.ts';
import { modelOnLog } from '../../operations/model-on-log.ts';
import { groupsOf, refuseMembers } from '../../operations/repartition/target.ts';
import { applyTopics } from '../../operations/topics/apply.ts';
import { planTopics, type TopicPlan, type WantedTopic } from '../../operations/topics/plan.ts';
import type { ExitCode } from '../command.ts';
import type { TopicsContext } from '../definitions/topics.ts';
import type { Workspace } from '../wiring.ts';
import { shardsTopicOf } from './output-topics.ts';
import { formatPlan, formatTopics, NO_SETTINGS, stepText, type ShownTopic } from './topics-text.ts';

export async function showTopics(workspace: Workspace, context: TopicsContext): Promise<ExitCode> {
  const { topicAdmin } = workspace;
  const present = await topicsOf(workspace);
  const conditions = topicAdmin === undefined ? [] : await conditionsOf(topicAdmin, workspace, present);
  const shown = present.map((info): ShownTopic => {
    const condition = conditions.find(({ name }) => name === info.name);
    const role = topicRole(workspace.namespace, info.name);
    return { ...info, kind: role?.kind ?? '', of: role?.of ?? '', ...(condition && { condition }) };
  });
  const plan = topicAdmin === undefined ? undefined : planOf(workspace, context, conditions, []);
  context.output.result({ topics: shown.map(topicJson), ...plan }, () => formatTopics(shown, plan));
  return 0;
}

export async function showPlan(workspace: Workspace, context: TopicsContext): Promise<ExitCode> {
  const { topicAdmin } = workspace;
  if (topicAdmin === undefined) return nothingToDo(context);
  const conditions = await conditionsOf(topicAdmin, workspace, await topicsOf(workspace));
  const plan = planOf(workspace, context, conditions, await wantedTopics(workspace, context));
  context.output.result(plan, () => formatPlan(plan));
  return plan.problems.length === 0 ? 0 : 1;
}

export async function applyPlan(workspace: Workspace, context: TopicsContext): Promise<ExitCode> {
  const { topicAdmin: admin, log } = workspace;
  if (admin === undefined) return nothingToDo(context);
  const conditions = await conditionsOf(admin, workspace, await topicsOf(workspace));
  const plan = planOf(workspace, context, conditions, await wantedTopics(workspace, context));
  await applyTopics({ log, admin }, plan.steps, (step) => {
    context.log.info(`Done: ${stepText(step)}`);
  });
  context.output.result(plan, () => formatPlan(plan, true));
  return plan.problems.length === 0 ? 0 : 1;
}

/** Registered schemas stay: other topics may share them. */
export async function deleteTopics(workspace: Workspace, context: TopicsContext): Promise<ExitCode> {
  const { topicAdmin, namespace } = workspace;
  if (topicAdmin === undefined)
    throw new UsageError(
      '"topics delete" is for Kafka. The log without brokers is the folder --data-dir: remove that.',
    );
  const names = (await topicsOf(workspace)).map(({ name }) => name);
  refuseMembers(await groupsOf(workspace), namespace);
  if (!context.options.yes)
    throw new UsageError(
      `That deletes ${names.length} topics of namespace "${namespace}" with all that is in them: ${names.join(', ')}. ` +
        'Say so with --yes.',
    );
  if (names.length > 0) await topicAdmin.remove(names);
  context.output.result({ deleted: names }, () =>
    names.length === 0 ? 'There was nothing to delete.' : names.map((name) => `Deleted ${name}.`).join('\n'),
  );
  return 0;
}

async function topicsOf({ log, namespace }: Workspace): Promise<TopicInfo[]> {
  return (await log.topics()).filter(({ name }) => topicRole(namespace, name) !== undefined);
}

async function conditionsOf(
  admin: TopicAdmin,
  { namespace }: Workspace,
  topics: readonly TopicInfo[],
): Promise<readonly TopicCondition[]> {
  const specs = topics.flatMap(({ name, partitions }) => {
    const role = topicRole(namespace, name);
    return role === undefined ? [] : [topicSpecOf(role.kind, name, partitions)];
  });
  return admin.conditions(specs);
}

function planOf(
  { namespace, defaultPartitions }: Workspace,
  { options: { partitions } }: TopicsContext,
  present: readonly TopicCondition[],
  wanted: readonly WantedTopic[],
): TopicPlan {
  return planTopics({ namespace, present, wanted, partitions, defaultPartitions });
}

/** As topics carry it; also that of a model which is known only from imported embeddings. */
async function nameOf(workspace: Workspace, model: string): Promise<string> {
  if (isRepositoryName(model)) return model;
  try {
    return (await findModel(model)).name;
  } catch (error) {
    const known = error instanceof UsageError ? await modelOnLog(workspace, model) : undefined;
    if (known === undefined) throw error;
    return known.name;
  }
}

/** Every pipeline has the first two. */
async function wantedTopics(workspace: Workspace, context: TopicsContext): Promise<WantedTopic[]> {
  const { topics } = workspace;
  const { options } = context;
  const { sinkName, model: models = [], source: sources = [], sink: formats = [] } = options;
  const wanted: WantedTopic[] = [
    { kind: 'records', name: topics.records },
    { kind: 'dead-letters', name: topics.deadLetters },
    ...sources.map((source): WantedTopic => ({ kind: 'source-ledger', name: topics.sourceLedger(source) })),
  ];
  for (const model of await Promise.all(models.map((each) => nameOf(workspace, each)))) {
    wanted.push({ kind: 'ledger', name: topics.ledger(model) }, { kind: 'embeddings', name: topics.embeddings(model) });
    for (const format of formats) {
      const output = { format, model, ...(sinkName !== undefined && { sinkName }) };
      wanted.push({ kind: 'shards', name: await shardsTopicOf(workspace, options, output) });
    }
  }
  return wanted;
}

function nothingToDo({ output }: TopicsContext): ExitCode {
  output.result({ steps: [], problems: [] }, () => NO_SETTINGS);
  return 0;
}

function topicJson({ name, kind, of, partitions, cleanup, condition }: ShownTopic): unknown {
  const { replicationFactor, settings, differences } = condition ?? {};
  return { topic: name, kind, of, partitions, cleanup, replicationFactor, settings, differences };
}
