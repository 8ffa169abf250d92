import { UsageError } from '../../errors.ts';
import type { CommandBody, ExitCode } from '../command.ts';
import type { TopicsContext, topicsFlags, topicsPositionals } from '../definitions/topics.ts';
import { refuseMisfits } from '../stages/output-stage.ts';
import { repartitionStage } from '../stages/repartition-stage.ts';
import { applyPlan, deleteTopics, showPlan, showTopics } from '../stages/topics-stage.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

export const run: CommandBody<typeof topicsFlags, typeof topicsPositionals> = (context) => {
  const { options, args } = context;
  checkOptions(args.action, options);
  const bodies: Record<typeof args.action, (workspace: Workspace, context: TopicsContext) => Promise<ExitCode>> = {
    show: showTopics,
    plan: showPlan,
    apply: applyPlan,
    repartition: repartitionStage,
    delete: deleteTopics,
  };
  return withWorkspace(watched(context), (workspace) => bodies[args.action](workspace, context));
};

/** Before the log is opened, which may take its time. */
function checkOptions(action: TopicsContext['args']['action'], options: TopicsContext['options']): void {
  const { into, partitions, yes, sink = [], sinkName, model = [] } = options;
  if (action === 'repartition' && (into === undefined || partitions === undefined))
    throw new UsageError('"topics repartition" needs --partitions=N and --into=NAMESPACE, the namespace of the copy.');
  if (action !== 'repartition' && into !== undefined)
    throw new UsageError(`--into is for "topics repartition", not for "topics ${action}".`);
  if (action !== 'delete' && yes)
    throw new UsageError(`--yes is for "topics delete": "topics ${action}" asks nothing.`);
  if (sink.length > 0 && model.length === 0)
    throw new UsageError('--sink needs --model: each output is one of a model.');
  refuseMisfits(sink, { sinkName }, model);
}
