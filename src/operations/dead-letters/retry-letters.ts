import { IdentityTable } from '../../ledger/identity-table.ts';
import type { DeadLetterContext } from './context.ts';
import { RetryPublisher, type Retry } from './retry-publisher.ts';
import { selectLetters, type LetterFilter } from './select-letters.ts';
import type { JudgedLetter, LetterState } from './states.ts';

export interface RetryReport {
  /** Records that were published again. A record that several models dead-lettered is one. */
  published: number;
  /** Records that changed or were deleted while this ran, and so were left alone. */
  overtaken: number;
  /** Letters that match the filter, by state before the retry; those of other letters' ids are not among them. */
  readonly states: Record<LetterState, number>;
  /** Open letters that can't be retried since their record has no key. */
  withoutKey: number;
  /** Of the ids that were asked for, those that no letter has. */
  notFound: readonly string[];
  /** Letters of the sources that were asked for by id. */
  readonly inSource: string[];
}

export interface RetryOptions {
  /** Told how many were published after each transaction. */
  readonly onProgress?: (published: number) => void;
  /** Letters that are judged at a time: what is remembered of each is some hundred bytes. */
  readonly blockSize?: number;
}

/**
 * Publishes the records of open letters again, each with the number of its attempt, in transactions of bounded size.
 * What is queued already is left alone, so that it may be repeated; a record that has changed is never overwritten.
 * Rejects with LOG_FENCED when another retry begins meanwhile.
 */
export async function retryLetters(
  context: DeadLetterContext,
  filter: Omit<LetterFilter, 'states'>,
  { onProgress, blockSize = 10_000 }: RetryOptions = {},
): Promise<RetryReport> {
  // The producer first: a retry that is still at work is fenced before anything is read.
  const producer = await context.log.producer(`${context.topics.deadLetters}.retry`);
  try {
    const publisher = new RetryPublisher(context, producer);
    const report = emptyReport();
    const missing = new Set(filter.ids);
    const handled = new IdentityTable();
    for await (const { letters, recordsRead } of selectLetters(context, filter, blockSize)) {
      for (const letter of letters) note(letter, report, missing, filter);
      await publisher.publish(retriesOf(letters, handled), recordsRead, (published) => {
        onProgress?.(report.published + published);
      });
      report.published += publisher.takePublished();
      report.overtaken += publisher.takeOvertaken();
    }
    report.notFound = [...missing];
    return report;
  } finally {
    await producer.close();
  }
}

function note(letter: JudgedLetter, report: RetryReport, missing: Set<string>, { ids }: LetterFilter): void {
  missing.delete(letter.id);
  missing.delete(letter.letter);
  report.states[letter.state]++;
  if (letter.state === 'in-source' && ids !== undefined) report.inSource.push(letter.letter);
  if (letter.state === 'open' && letter.key === null) report.withoutKey++;
}

/** Each record once, however many models have dead-lettered it, and though a processor may fail on it again meanwhile. */
function retriesOf(letters: readonly JudgedLetter[], handled: IdentityTable): Retry[] {
  const retries: Retry[] = [];
  for (const { state, key, origin, live, attempt } of letters) {
    if (state !== 'open' || key === null || origin === undefined || live === undefined) continue;
    const before = handled.size;
    handled.upsert(key);
    if (handled.size === before) continue;
    const { partition } = origin;
    retries.push({ key, partition, offset: live.offset, attempt: Math.max(attempt, live.attempt ?? 1) + 1 });
  }
  return retries;
}

function emptyReport(): RetryReport {
  return {
    published: 0,
    overtaken: 0,
    states: { open: 0, retried: 0, resolved: 0, superseded: 0, 'in-source': 0, refused: 0 },
    withoutKey: 0,
    notFound: [],
    inSource: [],
  };
}
