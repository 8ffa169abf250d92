import { UsageError } from '../../errors.ts';
import type { CommandBody, ExitCode } from '../command.ts';
import type { TopicsContext, topicsFlags, topicsPositionals } from '../definitions/topics.ts';
import { repartitionStage } from '../stages/repartition-stage.ts';
import { applyPlan, deleteTopics, showPlan, showTopics } from '../stages/topics-stage.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

export const run: CommandBody<typeof topicsFlags, typeof topicsPositionals> = (context) => {
  const { options, args } = context;
  if (args.action !== 'repartition' && options.into !== undefined)
    throw new UsageError(`--into is for "topics repartition", not for "topics ${args.action}".`);
  if (args.action !== 'delete' && options.yes)
    throw new UsageError(`--yes is for "topics delete": "topics ${args.action}" asks nothing.`);
  const bodies: Record<typeof args.action, (workspace: Workspace, context: TopicsContext) => Promise<ExitCode>> = {
    show: showTopics,
    plan: showPlan,
    apply: applyPlan,
    repartition: repartitionStage,
    delete: deleteTopics,
  };
  return withWorkspace(watched(context), (workspace) => bodies[args.action](workspace, context));
};
