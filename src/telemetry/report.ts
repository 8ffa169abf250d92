import { usageNotes, type ModelUsage } from './usage-report.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from './format.ts';
import { layOut, type Section } from './report-layout.ts';

/** What a source's publisher did. All counts are rows, unless named otherwise. */
export interface ProduceReport {
  readonly source: string;
  readonly location: string;
  readonly read: number;
  readonly published: number;
  /** Published before with the same content. */
  readonly unchanged: number;
  /** Left out by `--where`. */
  readonly filtered: number;
  /** Rows that can't become a record, those of earlier runs included. */
  readonly deadLettered: number;
  /** Of these, the ones that were not on the log before. */
  readonly newDeadLetters: number;
  readonly deadLettersByReason: Readonly<Record<string, number>>;
  /** Ids that vanished from the source and were deleted (`--prune`); not among `read`. */
  readonly pruned: number;
  /** Ids that vanished from the source and were kept: no `--prune`, or it was refused. */
  readonly vanished: number;
  /** Records of files that could not be read: they stay as they are, `--prune` or not. */
  readonly kept?: number;
  /** Records that a model had dead-lettered, published again (`--retry-failed`); not among `read`. */
  readonly retried?: number;
  readonly bytes: number;
  /** True when a part of the source could not be read. */
  readonly partial?: boolean;
  /** Where the source has several files: how many were read, by kind, and which were left out, by reason. */
  readonly files?: {
    readonly read: Readonly<Record<string, number>>;
    /** What was detected in the files of a kind, the first few forms. */
    readonly detected?: Readonly<
      Record<string, readonly { readonly form: string; readonly files: number; readonly first: string }[]>
    >;
    readonly skipped: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
  };
  readonly elapsedMs: number;
}

/** What a processor did: each record read ends as exactly one of six. */
export interface ProcessReport {
  readonly model: string;
  readonly read: number;
  readonly embedded: number;
  /** Of the embedded: with the vector of an equal content, which the model was given once. */
  readonly reused?: number;
  readonly skipped: number;
  readonly superseded: number;
  readonly notApplicable: number;
  readonly deleted: number;
  readonly deadLettered: number;
  readonly tokens: number;
  readonly truncated: number;
  readonly deadLettersByReason: Readonly<Record<string, number>>;
  /** Of a model behind an API. */
  readonly usage?: ModelUsage;
  /** Why it ended before its input did, as it was asked to. */
  readonly ended?: string;
  readonly elapsedMs: number;
}

/** What a sink did. */
export interface SinkReport {
  readonly sink: string;
  readonly model: string;
  /** Where the output lies. */
  readonly out: string;
  readonly embeddings: number;
  readonly deletions: number;
  /** Left out: the output is no files, and `bytes` are those that were sent. */
  readonly shards?: number;
  readonly bytes: number;
  /** What a store refused for what is in it. */
  readonly deadLettered?: number;
  readonly deadLettersByReason?: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

export interface RunReport {
  readonly produced: readonly ProduceReport[];
  readonly processed: readonly ProcessReport[];
  readonly sunk: readonly SinkReport[];
  readonly elapsedMs: number;
  readonly peakMemoryBytes?: number;
  /** What to try next, or what to do about what went wrong; printed last. */
  readonly hints?: readonly string[];
}

/** What does not add up, in words. Empty when all is well; anything in it is a bug and makes the run exit 1. */
export function reportMismatches(report: RunReport): string[] {
  const mismatches: string[] = [];
  const compare = (who: string, read: number, parts: readonly (readonly [string, number])[]): void => {
    const sum = parts.reduce((total, [, count]) => total + count, 0);
    if (sum === read) return;
    const spelled = parts.map(([name, count]) => `${formatCount(count)} ${name}`).join(' + ');
    mismatches.push(`${who}: ${formatCount(read)} read, but ${spelled} = ${formatCount(sum)}`);
  };
  for (const each of report.produced) compare(`produce ${each.source}`, each.read, produceOutcomes(each));
  for (const each of report.processed) compare(`process ${each.model}`, each.read, processOutcomes(each));
  return mismatches;
}

/** True when something became a dead letter in this run, ended early or does not add up: exit code 1. */
export function hasTrouble(report: RunReport): boolean {
  const deadLettered =
    report.produced.some((each) => each.newDeadLetters > 0) ||
    report.processed.some((each) => each.deadLettered > 0 || each.ended !== undefined) ||
    report.sunk.some(({ deadLettered = 0 }) => deadLettered > 0);
  return deadLettered || reportMismatches(report).length > 0;
}

/** For `--json`: the report, with the mismatches always spelled out. */
export function reportJson(report: RunReport): RunReport & { readonly mismatches: readonly string[] } {
  return { ...report, mismatches: reportMismatches(report) };
}

/** The report as aligned text, with a line break at its end. */
export function formatReport(report: RunReport): string {
  const stages = [
    ...report.produced.map(produceSection),
    ...report.processed.map(processSection),
    ...report.sunk.map(sinkSection),
  ];
  const lines = layOut(stages);
  const memory = report.peakMemoryBytes === undefined ? '' : `, peak memory ${formatBytes(report.peakMemoryBytes)}`;
  lines.push(`Finished in ${formatDuration(report.elapsedMs)}${memory}.`);
  const mismatches = reportMismatches(report);
  for (const mismatch of mismatches) lines.push(`error: the counts do not add up: ${mismatch}`);
  if (mismatches.length > 0) lines.push('error: this is a bug of embedstream; "reconcile" says what is really there.');
  if (report.hints !== undefined && report.hints.length > 0) lines.push('', ...report.hints);
  return `${lines.join('\n')}\n`;
}

type Outcomes = readonly (readonly [string, number])[];

function produceOutcomes(each: ProduceReport): Outcomes {
  return [
    ['published', each.published],
    ['unchanged', each.unchanged],
    ['filtered out', each.filtered],
    ['dead-lettered', each.deadLettered],
  ];
}

function processOutcomes(each: ProcessReport): Outcomes {
  return [
    ['embedded', each.embedded],
    ['skipped', each.skipped],
    ['superseded', each.superseded],
    ['not applicable', each.notApplicable],
    ['deleted', each.deleted],
    ['dead-lettered', each.deadLettered],
  ];
}

/** The first outcome is always shown, the others when there are any. */
function outcomeRows(outcomes: Outcomes): [string, string][] {
  return outcomes
    .filter(([, count], index) => index === 0 || count !== 0)
    .map(([name, count]) => [name, formatCount(count)]);
}

function produceSection(each: ProduceReport): Section {
  return {
    title: `produce ${each.source} (${each.location})`,
    rows: [
      ['read', formatCount(each.read), `${formatBytes(each.bytes)}, ${rateOver(each.read, each.elapsedMs, 'rows')}`],
      ...outcomeRows(produceOutcomes(each)),
      ...outcomeRows([
        ['', 0],
        ['pruned', each.pruned],
        ['published again', each.retried ?? 0],
      ]).slice(1),
    ],
    notes: [...fileNotes(each), ...reasonNotes(each)],
  };
}

function processSection(each: ProcessReport): Section {
  const tokenNote = each.embedded === 0 ? undefined : rateOver(each.tokens, each.elapsedMs, 'tokens');
  return {
    title: `process ${each.model}`,
    rows: [
      ['read', formatCount(each.read), rateOver(each.read, each.elapsedMs, 'records')],
      ...embeddedFirst(outcomeRows(processOutcomes(each)), each),
      tokenNote === undefined ? ['tokens', formatCount(each.tokens)] : ['tokens', formatCount(each.tokens), tokenNote],
      ['truncated', formatCount(each.truncated)],
    ],
    notes: [
      ...(each.usage === undefined ? [] : usageNotes(each.usage)),
      ...reasonNotes(each),
      ...(each.ended === undefined ? [] : [each.ended]),
    ],
  };
}

/** Beside the embedded, those that took no time of the model. */
function embeddedFirst(
  [embedded, ...others]: readonly [string, string][],
  { reused = 0 }: ProcessReport,
): (readonly [string, string, string?])[] {
  if (embedded === undefined || reused === 0) return embedded === undefined ? [] : [embedded, ...others];
  return [[...embedded, `${formatCount(reused)} of them once more for an equal content`], ...others];
}

function sinkSection(each: SinkReport): Section {
  const { deadLettered = 0, deadLettersByReason = {} } = each;
  return {
    title: `sink ${each.sink} (${each.model})`,
    rows: [
      ['embeddings', formatCount(each.embeddings), rateOver(each.embeddings, each.elapsedMs, 'embeddings')],
      ...(each.deletions === 0 ? [] : ([['deletions', formatCount(each.deletions)]] as const)),
      each.shards === undefined
        ? ['sent', formatBytes(each.bytes)]
        : ['shards', formatCount(each.shards), formatBytes(each.bytes)],
      ...(deadLettered === 0 ? [] : ([['dead-lettered', formatCount(deadLettered)]] as const)),
    ],
    notes: [`in ${each.out}`, ...reasonNotes({ deadLettersByReason })],
  };
}

function rateOver(count: number, elapsedMs: number, unit: string): string {
  return `${formatDuration(elapsedMs)}, ${formatRate(elapsedMs > 0 ? (count / elapsedMs) * 1000 : 0, unit)}`;
}

/** Which files a source had, and which were left out. */
function fileNotes({ files }: ProduceReport): string[] {
  if (files === undefined) return [];
  const read = Object.entries(files.read).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  const skipped = Object.entries(files.skipped).map(
    ([reason, { count, first }]) => `skipped: ${formatCount(count)} ${reason}, the first: ${first}`,
  );
  const detected = Object.entries(files.detected ?? {}).flatMap(([kind, forms]) =>
    forms.map((each) => `${kind}, ${formatCount(each.files)} as ${each.first}: ${each.form}`),
  );
  return [`files: ${read.length === 0 ? 'none' : read.join(', ')}`, ...detected, ...skipped];
}

/** Why rows became dead letters. */
function reasonNotes({ deadLettersByReason }: Pick<ProcessReport, 'deadLettersByReason'>): string[] {
  const reasons = Object.entries(deadLettersByReason).map(([code, count]) => `${formatCount(count)} ${code}`);
  return reasons.length === 0 ? [] : [`dead letters: ${reasons.join(', ')}`];
}
