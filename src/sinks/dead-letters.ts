import type { Log, LogRecord, OutputRecord } from '../log/port.ts';
import { deadLetterHeaders, type OnDeadLetter } from '../record/dead-letter.ts';
import type { PipelineError } from '../errors.ts';

/** A record that an output refuses for what is in it, with `poison` set. */
export interface Refusal {
  readonly offset: number;
  readonly error: PipelineError;
}

/** What was dead-lettered, by the code of the reason. */
export interface RefusedCounts {
  deadLettered: number;
  readonly deadLettersByReason: Record<string, number>;
}

export function countRefusals(counts: RefusedCounts, refusals: readonly Refusal[]): void {
  for (const { error } of refusals) {
    counts.deadLettered++;
    counts.deadLettersByReason[error.code] = (counts.deadLettersByReason[error.code] ?? 0) + 1;
  }
}

/** Records this close are read in one go. */
const NEAR = 200;

export interface LetterOrigin {
  readonly log: Pick<Log, 'read'>;
  readonly group: string;
  /** Where the faults' offsets count. */
  readonly topic: string;
  readonly partition: number;
  readonly deadLetters: string;
  readonly onDeadLetter?: OnDeadLetter | undefined;
}

/**
 * Dead letters for records that an output refuses: the original bytes, read from the log again, so that nobody has to keep
 * them while a request is in flight. One whose record was compacted away since is left out: a newer version of it comes.
 * `refusals` are in offset order.
 */
export async function lettersOf(faults: readonly Refusal[], origin: LetterOrigin): Promise<OutputRecord[]> {
  const { log, topic, partition } = origin;
  const letters: OutputRecord[] = [];
  for (let first = 0; first < faults.length;) {
    const from = faults[first]?.offset ?? 0;
    let last = first;
    while ((faults[last + 1]?.offset ?? Infinity) - from < NEAR) last++;
    const near = new Map(faults.slice(first, last + 1).map((fault) => [fault.offset, fault]));
    for await (const { records } of log.read(topic, partition, from, (faults[last]?.offset ?? from) + 1))
      for (const record of records) {
        const fault = near.get(record.offset);
        if (fault !== undefined) letters.push(letterOf(record, fault, origin));
      }
    first = last + 1;
  }
  return letters;
}

function letterOf(record: LogRecord, { error }: Refusal, origin: LetterOrigin): OutputRecord {
  const { group, topic, partition, deadLetters, onDeadLetter } = origin;
  const place = { stage: 'sink', connector: group, topic, partition, offset: record.offset };
  onDeadLetter?.(place, error);
  // Copies: a record is a view that keeps all the batch it was read with.
  return {
    topic: deadLetters,
    partition,
    key: record.key && Uint8Array.from(record.key),
    value: record.value && Uint8Array.from(record.value),
    headers: deadLetterHeaders(place, error),
  };
}
