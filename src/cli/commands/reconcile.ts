import type { CommandBody } from '../command.ts';
import type { reconcileFlags } from '../definitions/operate.ts';
import { describeReconciliation, reconcileStage } from '../stages/reconcile-stage.ts';
import { withWorkspace } from '../wiring.ts';

export const run: CommandBody<typeof reconcileFlags> = async ({ options, signal, output }) => {
  const reconciliation = await withWorkspace(options, (workspace) =>
    reconcileStage(workspace, { signal, ...(options.model !== undefined && { models: options.model }) }),
  );
  output.result(reconciliation.json, () => describeReconciliation(reconciliation));
  return reconciliation.differences === 0 ? 0 : 1;
};
