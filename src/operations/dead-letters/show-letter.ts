import { fatalError } from '../../errors.ts';
import type { LogRecord } from '../../log/port.ts';
import type { DeadLetterContext } from './context.ts';
import type { DeadLetter } from './letter.ts';
import { describeValue, type LetterValue } from './letter-value.ts';
import { readLetters } from './read-letters.ts';
import { judgeLetters, type JudgedLetter } from './states.ts';

export interface ShownLetter extends JudgedLetter {
  /** All of them as text, in their order; what is not UTF-8 as base64. */
  readonly headers: Readonly<Record<string, string>>;
  readonly value: LetterValue;
  /** Other letters of the same id, the newest first. */
  readonly others: readonly string[];
}

const MOST_OTHERS = 100;

/**
 * A letter with all it holds. `id`: its place (`0@17`), or a record id, of which the newest letter is shown.
 * Rejects with DEAD_LETTER_UNKNOWN.
 */
export async function showLetter(context: DeadLetterContext, id: string): Promise<ShownLetter> {
  const { found, others } = await findLetter(context, id);
  const [judged] = (await judgeLetters(context, [found])).letters;
  const record = await recordAt(context, found);
  if (judged === undefined || record === undefined) throw unknownLetter(id);
  return { ...judged, headers: headerTexts(record), value: describeValue(context.codec, record.value), others };
}

async function findLetter(
  context: DeadLetterContext,
  id: string,
): Promise<{ found: DeadLetter; others: readonly string[] }> {
  let found: DeadLetter | undefined;
  const others: string[] = [];
  for await (const letter of readLetters(context)) {
    if (found === undefined && letter.letter === id) return { found: letter, others };
    if (letter.id !== id) continue;
    if (found === undefined) found = letter;
    else if (others.push(letter.letter) === MOST_OTHERS) break;
  }
  if (found === undefined) throw unknownLetter(id);
  return { found, others };
}

async function recordAt(
  { log, topics }: DeadLetterContext,
  { partition, offset }: DeadLetter,
): Promise<LogRecord | undefined> {
  for await (const { records } of log.read(topics.deadLetters, partition, offset, offset + 1)) return records[0];
  return undefined;
}

function headerTexts({ headers }: LogRecord): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]): [string, string] => {
    const text = new TextDecoder().decode(value);
    return [name, text.includes('\ufffd') ? Buffer.from(value).toString('base64') : text];
  });
  return Object.fromEntries(shown);
}

function unknownLetter(id: string): Error {
  return fatalError(
    'DEAD_LETTER_UNKNOWN',
    `There is no dead letter ${JSON.stringify(id)} on this log. "dead-letters list" shows their ids and places (0@17).`,
  );
}
