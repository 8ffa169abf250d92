import { createInterface } from 'node:readline/promises';
import { UsageError } from '../../errors.ts';
import { describeSkipped } from '../../producers/files/folder-source.ts';
import { openSource, type OpenSourceOptions } from '../../producers/open-source.ts';
import type { Source } from '../../producers/port.ts';
import type { PublishReport } from '../../producers/publish-report.ts';
import { publish } from '../../producers/publisher.ts';
import type { StageOptions } from '../../telemetry/progress.ts';
import type { ProduceReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { partitionCount, type Workspace } from '../wiring.ts';
import { checkDatabaseOptions, resolveSource } from './database-source.ts';
import { retryFailed } from './retry-failed.ts';

export type ProduceContext = Pick<CommandContext<typeof produceFlags>, 'options' | 'signal' | 'log' | 'progress'>;

/**
 * Opens every source before anything is published, so that a wrong flag is met before there is work to undo, and closes
 * them all when `body` has ended.
 */
export async function withSources<Result>(
  context: ProduceContext,
  body: (sources: readonly Source[]) => Promise<Result>,
): Promise<Result> {
  checkOptions(context.options);
  const given = context.options.source.map((each) => resolveSource(each, process.env));
  checkDatabaseOptions(given, context.options);
  const opening = given.map((each) => openSource(each, sourceOptions(context)));
  const settled = await Promise.allSettled(opening);
  try {
    const sources = await Promise.all(opening);
    announce(sources, context);
    return await body(sources);
  } finally {
    for (const each of settled) if (each.status === 'fulfilled') await each.value.close?.();
  }
}

function announce(sources: readonly Source[], { log }: ProduceContext): void {
  const names = new Set<string>();
  for (const source of sources) {
    if (names.has(source.name))
      throw new UsageError(
        `Two sources have the name "${source.name}", under which their state is kept: run them apart with --name.`,
      );
    names.add(source.name);
    const detected = Object.entries(source.description).map(([what, value]) => `${what} ${value}`);
    log.info(`${source.location}: ${detected.join(', ')}`);
  }
}

/** Publishes source after source. */
export async function produceStage(
  workspace: Workspace,
  sources: readonly Source[],
  context: ProduceContext,
): Promise<ProduceReport[]> {
  workspace.instruments.begun();
  const reports: ProduceReport[] = [];
  for (const source of sources) {
    if (context.signal.aborted) break;
    reports.push(await publishSource(workspace, source, context));
  }
  return reports;
}

async function publishSource(workspace: Workspace, source: Source, context: ProduceContext): Promise<ProduceReport> {
  const { options, signal, progress } = context;
  const startMs = performance.now();
  const retried = options.retryFailed ? await retryFailed(workspace, source.name, signal) : 0;
  const stage = progress.stage(`produce ${source.name}`, progressOf(source));
  const { instruments } = workspace;
  const count = instruments.source(source.name);
  const report = await publish({
    source,
    ...workspace,
    partitions: await partitionCount(workspace, options.partitions),
    ...(options.limit !== undefined && { limit: options.limit }),
    prune: options.prune,
    confirmPrune: async (vanished, total) => options.yes || confirmPrune(source.name, vanished, total, context),
    signal,
    onProgress: (soFar) => {
      stage.setDone(source.isTable === true ? soFar.read : soFar.bytesRead);
      count(soFar);
    },
    onDeadLetter: instruments.onDeadLetter,
  });
  stage.finish();
  warnOf(report, source, context);
  return { ...toProduceReport(report, source, performance.now() - startMs), ...(retried > 0 && { retried }) };
}

/** Of a table nobody knows how large it is. */
export function progressOf({ isTable, totalBytes }: Source): StageOptions {
  if (isTable === true) return { unit: 'rows', lineEvery: 10 };
  return { unit: 'bytes', ...(totalBytes !== undefined && { total: totalBytes }) };
}

function warnOf(report: PublishReport, source: Source, { options, log }: ProduceContext): void {
  if (report.partial && options.prune)
    log.warn(`A part of ${source.location} could not be read, so nothing of ${source.name} was pruned.`);
  if (source.files !== undefined && Object.keys(source.files.skipped).length > 0)
    log.warn(`${source.location}: ${describeSkipped(source.files)}`);
  if (report.kept > 0) log.warn(`${report.kept} records of files that could not be read are kept as they were.`);
  if (report.vanished > 0)
    log.warn(
      `${report.vanished} records of ${source.name} are no longer in ${source.location}. They are kept: delete them with --prune${options.prune ? ' --yes' : ''}.`,
    );
}

/** Asked for and not done: exit code 1. */
export function isPruneRefused(
  { prune }: Pick<ProduceContext['options'], 'prune'>,
  reports: readonly ProduceReport[],
): boolean {
  return prune && reports.some(({ vanished, partial }) => vanished > 0 || partial === true);
}

export function toProduceReport(report: PublishReport, source: Source, elapsedMs: number): ProduceReport {
  return {
    source: report.source,
    location: source.location,
    read: report.read + report.filtered,
    published: report.created + report.changed,
    unchanged: report.unchanged,
    filtered: report.filtered,
    deadLettered: report.deadLettered,
    newDeadLetters: report.newDeadLetters,
    deadLettersByReason: report.deadLettersByReason,
    pruned: report.pruned,
    vanished: report.vanished,
    ...(report.kept > 0 && { kept: report.kept }),
    bytes: report.bytesRead,
    ...(report.partial && { partial: true }),
    ...(source.files && { files: source.files }),
    elapsedMs,
  };
}

async function confirmPrune(
  source: string,
  vanished: number,
  total: number,
  { progress, log, signal }: ProduceContext,
): Promise<boolean> {
  const question = `${vanished} of ${total} records of ${source} are no longer in the source.`;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    log.warn(`${question} That is more than a tenth, so nothing was deleted.`);
    return false;
  }
  progress.close();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} Delete them? [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}

type ProduceOptions = ProduceContext['options'];

function checkOptions(options: ProduceOptions): void {
  if (options.name !== undefined && options.source.length > 1)
    throw new UsageError('--name names one source, but --source has several: run them apart.');
  if (options.prune && (options.limit !== undefined || options.where !== undefined))
    throw new UsageError('--prune has to see the whole source: leave out --limit and --where.');
}

function sourceOptions({ options, signal, log }: ProduceContext): OpenSourceOptions {
  const { id, text, metadata, delimiter, encoding, where, preset, name, split, chunkSize, chunkOverlap } = options;
  const { query, table } = options;
  return {
    signal,
    environment: process.env,
    onWarning: (message) => {
      log.warn(message);
    },
    ...(query !== undefined && { query }),
    ...(table !== undefined && { table }),
    ...(name !== undefined && { name }),
    ...(id !== undefined && { id }),
    ...(text !== undefined && { text }),
    ...(metadata !== undefined && { metadata: metadata.length === 1 ? (metadata[0] ?? 'all') : metadata }),
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding !== undefined && { encoding }),
    ...(where !== undefined && { where }),
    ...(preset !== undefined && { preset }),
    ...(split !== undefined && { split }),
    ...(chunkSize !== undefined && { chunkSize }),
    ...(chunkOverlap !== undefined && { chunkOverlap }),
    ...imageOptions(options),
  };
}

function imageOptions(options: ProduceOptions): Partial<OpenSourceOptions> {
  const { image, imagesDir, imageUrl, maxInlineBytes, imageMaxSide, requestsPerHost, allowPrivateHosts } = options;
  return {
    allowPrivateHosts,
    ...(image !== undefined && { image }),
    ...(imagesDir !== undefined && { imagesDir }),
    ...(imageUrl !== undefined && { imageUrl }),
    ...(maxInlineBytes !== undefined && { maxInlineBytes }),
    ...(imageMaxSide !== undefined && { imageMaxSide }),
    ...(requestsPerHost !== undefined && { requestsPerHost }),
  };
}
