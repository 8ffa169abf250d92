import type { DeadLetter } from '../../operations/dead-letters/letter.ts';
import type { RetryReport } from '../../operations/dead-letters/retry-letters.ts';
import type { ShownLetter } from '../../operations/dead-letters/show-letter.ts';
import type { JudgedLetter, LetterState } from '../../operations/dead-letters/states.ts';
import { formatBytes, formatCount } from '../../telemetry/format.ts';
import { formatTable } from '../../telemetry/table.ts';

const CHANGE_IT = 'change its record in the source, or the output, and run "sink" or "replay" again';
const CORRECT_THE_SOURCE = 'correct the source and run "produce" again';

/** What programs get of a letter. */
export function letterJson(letter: JudgedLetter): Readonly<Record<string, unknown>> {
  const { id, stage, reason, message, state, connector } = letter;
  const { model, origin, file, line, attempt, bytes, timestampMs } = letter;
  return {
    ...{ letter: letter.letter, id, stage, reason, message, state, connector },
    ...{ model, origin, file, line, attempt, bytes },
    when: new Date(timestampMs).toISOString(),
  };
}

/** Two lines a letter: the second one says where it comes from. */
export function formatLetters(letters: readonly JudgedLetter[], hasMore: boolean): string {
  if (letters.length === 0) return 'No dead letters.';
  const rows = letters.map((letter) => [
    ...[letter.letter, formatTime(letter.timestampMs), letter.state, letter.reason, oneLine(letter.id)],
  ]);
  const [head = '', ...lines] = formatTable(['letter', 'when', 'state', 'reason', 'id'], rows).split('\n');
  const indent = ' '.repeat(Math.max('letter'.length, ...letters.map(({ letter }) => letter.length)) + 2);
  return [
    head,
    ...lines.flatMap((line, i) => {
      const letter = letters[i];
      return letter === undefined ? [line] : [line, `${indent}${letter.stage} ${whereOf(letter)}`];
    }),
    ...(hasMore ? [`Older ones are not shown: --limit=${letters.length * 10} shows more.`] : []),
  ].join('\n');
}

export function formatShown(letter: ShownLetter): string {
  const facts: [string, string][] = [
    ['letter', letter.letter],
    ['id', letter.id],
    ['state', letter.state],
    ['when', new Date(letter.timestampMs).toISOString()],
    ['stage', letter.stage],
    ['where', whereOf(letter)],
    ['attempt', String(letter.attempt)],
    ['reason', letter.reason],
    ['message', letter.message],
  ];
  const others = letter.others.length === 0 ? [] : [`Other letters of this id: ${letter.others.join(', ')}`];
  const headers = Object.entries(letter.headers).map(([name, value]) => `  ${name}: ${value}`);
  const hints: Partial<Record<LetterState, string>> = {
    'in-source': `It never became a record, so it can't be retried: ${CORRECT_THE_SOURCE}.`,
    refused: `It is embedded, but the output does not take it: ${CHANGE_IT}.`,
  };
  const hint = hints[letter.state] ?? [];
  return [
    ...facts.map(([name, value]) => `${name.padEnd(7)}  ${value}`),
    ...others,
    ...[hint].flat(),
    '',
    'headers',
    ...headers,
    '',
    `value, ${formatBytes(letter.bytes)}`,
    ...valueLines(letter),
  ].join('\n');
}

function valueLines({ value }: ShownLetter): string[] {
  if (value.form === 'none') return ['  none: a deletion'];
  if (value.form === 'text') return value.text.split('\n').map((line) => `  ${line}`);
  if (value.form === 'base64') return ['  no text; as base64:', `  ${value.base64}`];
  const { metadata, image, createdAt, ...rest } = value.record;
  const shown = {
    ...rest,
    ...(image && { image: { ...image, ...(image.bytes && { bytes: `(${image.bytes.length} bytes: see --json)` }) } }),
    metadata: Object.fromEntries(
      [...metadata].map(([name, each]) => [name, typeof each === 'bigint' ? `${each}` : each]),
    ),
    createdAt: new Date(createdAt).toISOString(),
  };
  return JSON.stringify(shown, undefined, 2)
    .split('\n')
    .map((line) => `  ${line}`);
}

export function formatRetry({ published, overtaken, states, withoutKey, notFound, inSource }: RetryReport): string {
  const records = (count: number): string => `${formatCount(count)} ${count === 1 ? 'record' : 'records'}`;
  const letters = (count: number): string => `${formatCount(count)} ${count === 1 ? 'letter' : 'letters'}`;
  const lines = [
    published === 0 ? 'Nothing to publish again.' : `${records(published)} published again: "process" takes them up.`,
  ];
  if (states.retried > 0) lines.push(`${letters(states.retried)} published again before and not processed yet.`);
  if (states.resolved > 0) lines.push(`${letters(states.resolved)} resolved: embedded, changed or deleted since.`);
  if (states.superseded > 0) lines.push(`${letters(states.superseded)} superseded by a later one of the same record.`);
  if (overtaken > 0) lines.push(`${records(overtaken)} changed just now and left alone.`);
  if (withoutKey > 0) lines.push(`${letters(withoutKey)} of a record without a key, which can't be published again.`);
  if (states['in-source'] > 0)
    lines.push(
      `${letters(states['in-source'])}${inSource.length > 0 ? ` (${inSource.join(', ')})` : ''} of stage produce ` +
        `can't be retried from the log: ${CORRECT_THE_SOURCE}.`,
    );
  if (states.refused > 0)
    lines.push(`${letters(states.refused)} of stage sink can't be retried from here: ${CHANGE_IT}.`);
  for (const id of notFound) lines.push(`There is no dead letter ${JSON.stringify(id)}.`);
  return lines.join('\n');
}

function whereOf({ stage, connector, model, origin, file, line }: DeadLetter): string {
  const place = origin === undefined ? '' : `${origin.topic}/${origin.partition}@${origin.offset}`;
  if (stage === 'produce') {
    const source = file === undefined ? connector : oneLine(`${connector}/${file}`);
    return line === 0 ? source : `${source}:${line ?? '?'}`;
  }
  return model === undefined ? `${connector} ${place}` : `${model}, ${place}`;
}

function formatTime(timestampMs: number): string {
  return new Date(timestampMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** Ids may hold anything. */
function oneLine(id: string): string {
  return /\p{C}/u.test(id) ? JSON.stringify(id) : id;
}
