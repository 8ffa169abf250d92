import { UsageError } from '../../errors.ts';
import type { CommandBody, CommandContext } from '../command.ts';
import type { reconcileFlags } from '../definitions/operate.ts';
import { describeReconciliation, outputsOf, reconcileStage, type Reconciliation } from '../stages/reconcile-stage.ts';
import { catchUpStore, rewriteShards } from '../stages/repair-stage.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

type ReconcileContext = CommandContext<typeof reconcileFlags>;

export const run: CommandBody<typeof reconcileFlags> = async (context) => {
  const { options, signal, output } = context;
  const reconciliation = await withWorkspace(watched(context), async (workspace) => {
    const models = options.model === undefined ? {} : { models: options.model };
    const sinks = options.sink === undefined ? {} : { sinks: await sinksCalled(workspace, options.sink) };
    const stage = { signal, stores: context, ...models, ...sinks };
    const found = await reconcileStage(workspace, stage);
    const repaired = options.repair ? await repairOutputs(workspace, context, found) : [];
    if (repaired.length === 0) return { ...found, repaired };
    return { ...(await reconcileStage(workspace, { ...stage, repairStores: true })), repaired };
  });
  const { repaired, json } = reconciliation;
  output.result(options.repair ? { ...(json as object), repaired } : json, () =>
    [describeReconciliation(reconciliation), ...repaired.map((sink) => `  Repaired: ${sink}.`)].join('\n'),
  );
  return reconciliation.differences === 0 ? 0 : 1;
};

/** @throws UsageError for what no output is called. */
async function sinksCalled(workspace: Workspace, wanted: readonly string[]): Promise<string[]> {
  const names = (await outputsOf(workspace, await workspace.log.topics())).map(({ name }) => name);
  // A whole name may be how another one begins.
  const isCalled = (name: string, begin: string): boolean =>
    names.includes(begin) ? name === begin : name.startsWith(begin);
  const unknown = wanted.find((begin) => !names.some((name) => isCalled(name, begin)));
  if (unknown !== undefined)
    throw new UsageError(`--sink=${unknown}: no output is called so. There are: ${names.join(', ') || 'none'}.`);
  return names.filter((name) => wanted.some((begin) => isCalled(name, begin)));
}

/** Everything that a run of the sink mends; single ids of a store are left to the reconciliation that follows. */
async function repairOutputs(
  workspace: Workspace,
  context: ReconcileContext,
  { sinks }: Reconciliation,
): Promise<string[]> {
  const wrong = sinks.filter(({ differences }) => differences.total > 0);
  const outputs = await outputsOf(workspace, await workspace.log.topics());
  for (const sink of wrong) {
    const store = outputs.find((output) => output.name === sink.sink);
    if (store !== undefined && 'adapter' in store) await catchUpStore(workspace, context, store);
    else await rewriteShards(workspace, context, sink);
    context.signal.throwIfAborted();
  }
  return wrong.map(({ sink }) => sink);
}
