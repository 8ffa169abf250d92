import { IdentityTable } from '../../ledger/identity-table.ts';
import type { PartitionInfo } from '../../log/port.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import { findTopic, readPartitionOf } from '../topic-reading.ts';
import type { DeadLetterContext } from './context.ts';
import { letterOf, type DeadLetter } from './letter.ts';

/** Offsets that are read at a time, from the end backwards: few at first, since a few letters may be all that is wanted. */
const FIRST_WINDOW = 16;
const LAST_WINDOW = 1_024;

type Letter = Omit<DeadLetter, 'isLatest'>;

/**
 * All dead letters, the newest first (by timestamp over the partitions, by offset within one). Read backwards in
 * windows and without their values, so that neither a long topic nor large values take memory; of each record and
 * model 35 bytes are remembered to tell the latest letter from those before it.
 */
export async function* readLetters(context: Omit<DeadLetterContext, 'codec'>): AsyncGenerator<DeadLetter> {
  const topic = await findTopic(context.log, context.topics.deadLetters);
  const seen = new IdentityTable();
  const readers = (topic?.partitionInfo ?? []).map((info) => readBackwards(context, info));
  const heads = await Promise.all(readers.map((reader) => next(reader)));
  for (;;) {
    let newest = -1;
    for (const [i, head] of heads.entries())
      if (head !== undefined && (heads[newest]?.timestampMs ?? -Infinity) < head.timestampMs) newest = i;
    const [letter, reader] = [heads[newest], readers[newest]];
    if (letter === undefined || reader === undefined) return;
    yield { ...letter, isLatest: isFirstOf(letter, seen) };
    heads[newest] = await next(reader);
  }
}

/** A letter of the source has no successor: its next one is of another line or reason. */
function isFirstOf({ connector, key, stage }: Letter, seen: IdentityTable): boolean {
  if (key === null || (stage !== 'process' && stage !== 'sink')) return true;
  const before = seen.size;
  seen.upsert(Buffer.concat([Buffer.from(`${connector}\0`), key]));
  return seen.size > before;
}

async function* readBackwards(
  { log, topics, namespace, signal }: Omit<DeadLetterContext, 'codec'>,
  { partition, startOffset, endOffset }: PartitionInfo,
): AsyncGenerator<Letter> {
  const groupPrefix = processorGroup(namespace, 'x').slice(0, -1);
  let size = FIRST_WINDOW;
  for (let end = endOffset; end > startOffset; size = Math.min(LAST_WINDOW, size * 2)) {
    const start = Math.max(startOffset, end - size);
    const letters: Letter[] = [];
    const window = { partition, startOffset: start, endOffset: end };
    for await (const records of readPartitionOf(log, topics.deadLetters, window, signal))
      for (const record of records) letters.push(letterOf(record, partition, groupPrefix));
    yield* letters.reverse();
    end = start;
  }
}

async function next<Value>(generator: AsyncGenerator<Value>): Promise<Value | undefined> {
  const result = await generator.next();
  return result.done === true ? undefined : result.value;
}
