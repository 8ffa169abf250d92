import type { CatalogEntry } from '../../models/catalog/entry.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { describeEntry } from '../../models/describe-model.ts';
import type { WorkEstimate, WorkEstimator } from '../../models/hosted/work-estimator.ts';
import type { EmbedInput } from '../../models/port.ts';
import { estimateOnLog } from '../../operations/estimate-work.ts';
import type { Source } from '../../producers/port.ts';
import { publish } from '../../producers/publisher.ts';
import { formatCount, formatDuration } from '../../telemetry/format.ts';
import { formatCost } from '../../telemetry/usage-report.ts';
import type { CommandContext, ExitCode } from '../command.ts';
import type { modelRunFlags } from '../definitions/process.ts';
import { hostedOptions, modelEnvironment } from '../hosted-options.ts';
import { partitionCount, watched, withWorkspace, type Workspace } from '../wiring.ts';

type EstimateContext = Pick<CommandContext<typeof modelRunFlags>, 'options' | 'signal' | 'output' | 'instruments'>;

export interface EstimatedSources {
  readonly sources: readonly Source[];
  readonly limit?: number | undefined;
}

/**
 * Prints for each model what is left to embed: of the log, and of sources as they would be published. Nothing is sent
 * and nothing is written; only a server of one's own is asked what it serves.
 */
export async function estimate(context: EstimateContext, { sources, limit }: EstimatedSources): Promise<ExitCode> {
  const { options, signal, output } = context;
  const estimates = await withWorkspace(watched(context), async (workspace) => {
    const estimators = await Promise.all(options.model.map((model) => estimatorOf(model, options)));
    for (const estimator of estimators) await estimateOnLog({ ...workspace, signal }, estimator);
    for (const source of sources) await addSource(workspace, { source, limit, estimators, signal });
    return estimators.map(({ info, estimate: found }) => ({ model: info.name, ...found }));
  });
  output.result({ estimate: estimates, tokensBy: '4 bytes of UTF-8 a token' }, () =>
    [...estimates.map((each) => formatEstimate(each, options)), 'Nothing was sent and nothing was written.'].join('\n'),
  );
  return 0;
}

async function estimatorOf(model: string, options: EstimateContext['options']): Promise<WorkEstimator> {
  // Loaded by no command that embeds with local models.
  const [{ WorkEstimator }, { askServer }] = await Promise.all([
    import('../../models/hosted/work-estimator.ts'),
    import('../../models/hosted/ask-server.ts'),
  ]);
  const environment = modelEnvironment(options);
  const entry: CatalogEntry = await findModel(model);
  const info = await describeEntry(entry, environment);
  const { weights } = entry;
  if (weights.runtime !== 'hosted') return new WorkEstimator(entry, info, {});
  const told = await askServer({ ...entry, weights }, environment);
  return new WorkEstimator(told, info, hostedOptions(options), { weights: told.weights, environment });
}

interface SourceToEstimate {
  readonly source: Source;
  readonly limit: number | undefined;
  readonly estimators: readonly WorkEstimator[];
  readonly signal: AbortSignal;
}

/** What a run would publish anew. What it would change is counted with what is on the log, too, if nobody embedded that. */
async function addSource(workspace: Workspace, { source, limit, estimators, signal }: SourceToEstimate): Promise<void> {
  let counting: Promise<unknown> = Promise.resolve();
  await publish({
    source,
    ...workspace,
    partitions: await partitionCount(workspace),
    ...(limit !== undefined && { limit }),
    signal,
    dryRun: true,
    onDecision: (item, decision) => {
      if (item.kind !== 'item' || decision === 'unchanged') return;
      const { text, image } = item;
      const input: EmbedInput = {
        ...(text !== undefined && { text }),
        ...(image?.bytes && { image: { mime: image.mime, bytes: image.bytes } }),
      };
      const readers = estimators.filter(({ info }) => info.kinds.some((kind) => input[kind] !== undefined));
      counting = counting.then(() => Promise.all(readers.map((estimator) => estimator.embed([input]))));
    },
  });
  await counting;
}

type Estimated = WorkEstimate & { readonly model: string };

function formatEstimate(
  { model, inputs, tokens, images, requests, seconds, costUsd }: Estimated,
  { maxCost, requestsPerMinute, tokensPerMinute }: EstimateContext['options'],
): string {
  const rows: (readonly [string, string])[] = [
    ['to embed', formatCount(inputs)],
    ['tokens', `${formatCount(tokens)}  at 4 bytes of UTF-8 a token`],
    ...(images === 0 ? [] : [['images', formatCount(images)] as const]),
  ];
  if (requests !== undefined) {
    const limits = [
      ...(requestsPerMinute === undefined ? [] : [`${formatCount(requestsPerMinute)} requests a minute`]),
      ...(tokensPerMinute === undefined ? [] : [`${formatCount(tokensPerMinute)} tokens a minute`]),
    ].join(', ');
    rows.push(
      ['requests', formatCount(requests)],
      [
        'time',
        seconds === undefined
          ? 'not known: give --requests-per-minute or --tokens-per-minute'
          : `${formatDuration(seconds * 1000)}  at ${limits}`,
      ],
      ['cost', costUsd === undefined ? 'not known: give --price-per-million-tokens' : formatCost(costUsd)],
    );
    if (maxCost !== undefined && costUsd !== undefined && costUsd > maxCost)
      rows.push(['', `more than --max-cost=${maxCost}: a run would stop there, and go on with the next one`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return [`estimate ${model}`, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''].join('\n');
}
