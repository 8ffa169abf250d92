import type { DeadLetterContext } from './context.ts';
import { readLetters } from './read-letters.ts';

/** What the latest dead letters are. */
export interface LetterSample {
  /** Letters that were looked at, the latest ones. */
  readonly sampled: number;
  /** These were all there are. */
  readonly isAll: boolean;
  readonly byReason: Readonly<Record<string, number>>;
  readonly byStage: Readonly<Record<string, number>>;
}

const MOST_LETTERS = 1_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** The latest 1,000 letters, or fewer where their values are large: their number alone says nothing of the reasons. */
export async function sampleLetters(context: Omit<DeadLetterContext, 'codec'>): Promise<LetterSample> {
  const byReason: Record<string, number> = {};
  const byStage: Record<string, number> = {};
  let sampled = 0;
  let bytes = 0;
  let isAll = true;
  for await (const letter of readLetters(context)) {
    sampled++;
    bytes += letter.bytes;
    byReason[letter.reason] = (byReason[letter.reason] ?? 0) + 1;
    byStage[letter.stage] = (byStage[letter.stage] ?? 0) + 1;
    if (sampled < MOST_LETTERS && bytes <= MOST_BYTES) continue;
    isAll = false;
    break;
  }
  return { sampled, isAll, byReason, byStage };
}
