import type { DeadLetterContext } from './context.ts';
import { selectLetters, type LetterFilter } from './select-letters.ts';
import type { JudgedLetter } from './states.ts';

export interface LetterList {
  /** The newest first. */
  readonly letters: readonly JudgedLetter[];
  /** There are older ones that match, too. */
  readonly hasMore: boolean;
}

/** A block is at least this large: a filter by state may leave little of it. */
const LEAST_BLOCK = 200;

export async function listLetters(
  context: DeadLetterContext,
  filter: LetterFilter,
  limit: number,
): Promise<LetterList> {
  const letters: JudgedLetter[] = [];
  for await (const judgement of selectLetters(context, filter, Math.max(limit + 1, LEAST_BLOCK))) {
    letters.push(...judgement.letters);
    if (letters.length > limit) return { letters: letters.slice(0, limit), hasMore: true };
  }
  return { letters, hasMore: false };
}
