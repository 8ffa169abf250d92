import { repartition, type RepartitionReport } from '../../operations/repartition/repartition.ts';
import { sinksOnLog } from '../../operations/topic-reading.ts';
import { formatCount } from '../../telemetry/format.ts';
import { formatTable } from '../../telemetry/table.ts';
import type { ExitCode } from '../command.ts';
import type { TopicsContext } from '../definitions/topics.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

/** Copies the namespace of the workspace into another one. */
export async function repartitionStage(workspace: Workspace, context: TopicsContext): Promise<ExitCode> {
  const { options, signal, progress, output } = context;
  // The command sees to it that both are given.
  const { into = '', partitions = 1 } = options;
  const sinks = sinksOnLog(await workspace.log.topics(), workspace.namespace);
  const stages: { finish(): void }[] = [];
  const report = await withWorkspace({ ...watched(context), namespace: into }, (target) =>
    repartition({
      source: workspace,
      target,
      partitions,
      signal,
      onStage: (name, total) => {
        stages.at(-1)?.finish();
        const stage = progress.stage(`copy ${name}`, { unit: 'records', total });
        stages.push(stage);
        return (read) => {
          stage.setDone(read);
        };
      },
    }),
  );
  stages.at(-1)?.finish();
  const copy = { from: workspace.namespace, into, partitions };
  output.result({ ...copy, ...report }, () => formatRepartition(copy, report, sinks));
  return 0;
}

function formatRepartition(
  { from, into, partitions }: { readonly from: string; readonly into: string; readonly partitions: number },
  { topics, isFresh }: RepartitionReport,
  sinks: readonly string[],
): string {
  const rows = topics.map(({ copied, into: name }) => [formatCount(copied), name]);
  const models = topics.filter(({ kind }) => kind === 'ledger').map(({ of }) => of);
  const flag = `--namespace=${into}`;
  const steps = [
    `embedstream reconcile ${flag}`,
    ...models.map((model) => `embedstream process --model=${model} ${flag}`),
    ...models.map((model) => `embedstream sink FORMAT --model=${model} --out=NEW_FOLDER ${flag}`),
  ];
  return [
    `"${from}" is copied into "${into}", in ${partitions} partitions${isFresh ? '' : ', going on with what was there'}.`,
    formatTable(['copied', 'topic'], rows, [0]),
    '',
    `Go on with ${flag} in every command; nothing is embedded again:`,
    ...steps.map((step) => `  ${step}`),
    ...(sinks.length === 0
      ? []
      : [
          `Outputs (${sinks.join(', ')}) are written anew by their sinks, each into a new folder: files are named after`,
          'offsets, which are others in the copy. Those of before stay as they are, for as long as you want them.',
        ]),
    `When all is well, "${from}" can go: embedstream topics delete --namespace=${from} --yes`,
  ].join('\n');
}
