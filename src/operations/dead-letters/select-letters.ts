import type { DeadLetterContext } from './context.ts';
import type { DeadLetter } from './letter.ts';
import { readLetters } from './read-letters.ts';
import { judgeLetters, type Judgement, type LetterState } from './states.ts';

/** Which letters are meant; what is left out does not limit. */
export interface LetterFilter {
  /** Record ids, or letters by place (`0@17`). */
  readonly ids?: readonly string[];
  readonly reasons?: readonly string[];
  readonly stages?: readonly string[];
  /** As in the names of their topics. */
  readonly models?: readonly string[];
  readonly states?: readonly LetterState[];
  /** By the record's key. */
  readonly isWanted?: (key: Uint8Array) => boolean;
}

export function matchesFilter(letter: DeadLetter, { ids, reasons, stages, models, isWanted }: LetterFilter): boolean {
  return (
    (ids === undefined || ids.includes(letter.id) || ids.includes(letter.letter)) &&
    (reasons?.includes(letter.reason) ?? true) &&
    (stages?.includes(letter.stage) ?? true) &&
    (models === undefined || (letter.model !== undefined && models.includes(letter.model))) &&
    (isWanted === undefined || (letter.key !== null && isWanted(letter.key)))
  );
}

/**
 * Letters that match, judged, the newest first, in blocks of `blockSize`: ledgers and records are read once a block,
 * and no more than a block is in memory.
 */
export async function* selectLetters(
  context: DeadLetterContext,
  filter: LetterFilter,
  blockSize: number,
): AsyncGenerator<Judgement> {
  let block: DeadLetter[] = [];
  for await (const letter of readLetters(context)) {
    if (!matchesFilter(letter, filter)) continue;
    block.push(letter);
    if (block.length < blockSize) continue;
    yield await judged(context, block, filter);
    block = [];
  }
  if (block.length > 0) yield await judged(context, block, filter);
}

async function judged(
  context: DeadLetterContext,
  block: readonly DeadLetter[],
  { states }: LetterFilter,
): Promise<Judgement> {
  const { letters, recordsRead } = await judgeLetters(context, block);
  return { recordsRead, letters: letters.filter(({ state }) => states?.includes(state) ?? true) };
}
