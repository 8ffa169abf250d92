import type { Source, SourceFault, SourceItem } from '../../producers/port.ts';
import type { PublishDecision } from '../../producers/publish-report.ts';
import { publish } from '../../producers/publisher.ts';
import { formatBytes } from '../../telemetry/format.ts';
import { formatReport, reportJson, type ProduceReport } from '../../telemetry/report.ts';
import type { CommandContext, ExitCode } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { partitionCount, watched, withWorkspace, type Workspace } from '../wiring.ts';
import { progressOf, toProduceReport, withSources } from './produce-stage.ts';

const MOST_SHOWN = 5;
const SHOWN_CHARACTERS = 500;

interface ShownRecord {
  readonly decision: PublishDecision;
  readonly id: string;
  readonly file?: string;
  readonly line: number;
  readonly text?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Bytes of each part. */
  readonly parts: { readonly text?: number; readonly image?: number };
}

interface ShownFault {
  readonly code: string;
  readonly reason: string;
  readonly file?: string;
  readonly line: number;
}

interface Preview {
  readonly source: string;
  readonly records: readonly ShownRecord[];
  readonly deadLetters: readonly ShownFault[];
}

/**
 * Decides about every item as a run would, by the ledger on the log, and prints the first records and dead letters.
 * Exit code 1 when there would be new dead letters.
 */
export async function dryRun(context: CommandContext<typeof produceFlags>): Promise<ExitCode> {
  const startMs = performance.now();
  const { output, signal } = context;
  const previews: Preview[] = [];
  const produced: ProduceReport[] = [];
  await withSources(context, (sources) =>
    withWorkspace(watched(context), async (workspace) => {
      for (const source of sources) {
        if (signal.aborted) break;
        const { preview, report } = await previewSource(workspace, source, context);
        previews.push(preview);
        produced.push(report);
      }
    }),
  );
  const report = { produced, processed: [], sunk: [], elapsedMs: performance.now() - startMs };
  output.result({ dryRun: previews, ...reportJson(report) }, () =>
    [...previews.map(formatPreview), formatReport(report), 'Nothing was published: this was a dry run.\n'].join('\n'),
  );
  return produced.some(({ newDeadLetters }) => newDeadLetters > 0) ? 1 : 0;
}

async function previewSource(
  workspace: Workspace,
  source: Source,
  { options, signal, progress }: CommandContext<typeof produceFlags>,
): Promise<{ readonly preview: Preview; readonly report: ProduceReport }> {
  const startMs = performance.now();
  const records: ShownRecord[] = [];
  const deadLetters: ShownFault[] = [];
  const stage = progress.stage(`dry run ${source.name}`, progressOf(source));
  const report = await publish({
    source,
    ...workspace,
    partitions: await partitionCount(workspace, options.partitions),
    ...(options.limit !== undefined && { limit: options.limit }),
    signal,
    dryRun: true,
    onProgress: ({ read, bytesRead }) => {
      stage.setDone(source.isTable === true ? read : bytesRead);
    },
    onDecision: (item, decision) => {
      if (item.kind === 'item') {
        if (records.length < MOST_SHOWN) records.push(shownRecord(item, decision));
      } else if (deadLetters.length < MOST_SHOWN) deadLetters.push(shownFault(item));
    },
  });
  stage.finish();
  return {
    preview: { source: source.name, records, deadLetters },
    report: toProduceReport(report, source, performance.now() - startMs),
  };
}

function shownRecord({ id, file, line, text, image, metadata }: SourceItem, decision: PublishDecision): ShownRecord {
  return {
    ...{ decision, id, line },
    ...(file !== undefined && { file }),
    ...(text !== undefined && { text }),
    metadata: Object.fromEntries(
      [...metadata].map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
    ),
    parts: {
      ...(text !== undefined && { text: Buffer.byteLength(text) }),
      ...(image?.bytes && { image: image.bytes.length }),
    },
  };
}

function shownFault({ code, reason, file, line }: SourceFault): ShownFault {
  return { code, reason, ...(file !== undefined && { file }), line };
}

function formatPreview({ source, records, deadLetters }: Preview): string {
  return [
    `${source}: the first ${records.length} of the records`,
    ...records.flatMap(({ decision, id, text, metadata, parts }) => [
      `  ${oneLine(id)} (${WOULD[decision]})`,
      ...(text === undefined ? [] : [`    text      ${oneLine(text)}`]),
      `    metadata  ${cut(JSON.stringify(metadata))}`,
      `    parts     ${Object.entries(parts)
        .map(([part, bytes]) => `${part} ${formatBytes(bytes)}`)
        .join(', ')}`,
    ]),
    ...(deadLetters.length === 0 ? [] : [`${source}: the first ${deadLetters.length} of the dead letters`]),
    ...deadLetters.map(({ code, reason }) => `  ${code}: ${oneLine(reason)}`),
    '',
  ].join('\n');
}

const WOULD: Readonly<Record<PublishDecision, string>> = {
  created: 'new',
  changed: 'changed',
  unchanged: 'unchanged, would be skipped',
  'dead-lettered': 'dead letter',
};

function oneLine(text: string): string {
  return /\p{C}/u.test(text) ? cut(JSON.stringify(text)) : cut(text);
}

function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
