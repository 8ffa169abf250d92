import type { GroupInfo } from '../../log/port.ts';
import type { DeadLetterContext } from './context.ts';
import { keyText } from '../../record/key-text.ts';
import { ledgerEntries, latestVersions, type LedgerView, type LiveVersion } from './latest-versions.ts';
import type { DeadLetter } from './letter.ts';

/**
 * - `open`: the record is as it was, and still dead-lettered
 * - `retried`: it was published again, and the processor has not come to it yet
 * - `resolved`: the record was embedded, changed or deleted since
 * - `superseded`: a later letter of the same record and model stands for it
 * - `in-source`: it never became a record; only the source can tell
 * - `refused`: an output did not take an embedding; "reconcile" counts what it still lacks
 */
export const LETTER_STATES = ['open', 'retried', 'resolved', 'superseded', 'in-source', 'refused'] as const;
export type LetterState = (typeof LETTER_STATES)[number];

export interface JudgedLetter extends DeadLetter {
  readonly state: LetterState;
  /** The record as it is now; there when the state is open and it has a key. */
  readonly live?: LiveVersion;
}

export interface Judgement {
  readonly letters: readonly JudgedLetter[];
  /** Up to where the records topic was read, by partition. */
  readonly recordsRead: ReadonlyMap<number, number>;
}

/** What is to be known of a letter's record. */
export interface LetterEvidence {
  readonly entry: LedgerView | undefined;
  readonly live: LiveVersion | undefined;
  /** Next offset that the letter's processor reads. */
  readonly committed: number;
}

export function stateOf(
  letter: Pick<DeadLetter, 'stage' | 'key' | 'origin' | 'isLatest'>,
  { entry, live, committed }: LetterEvidence,
): LetterState {
  const { stage, key, origin } = letter;
  if (origin === undefined || (stage !== 'process' && stage !== 'sink')) return 'in-source';
  if (!letter.isLatest) return 'superseded';
  if (stage === 'sink') return 'refused';
  // Nothing can replace a record without a key, and no ledger knows it.
  if (key === null) return 'open';
  if (entry?.outcome !== 'dead-lettered' || live === undefined || live.isDeleted) return 'resolved';
  if (live.offset === origin.offset) return 'open';
  if (!live.contentHashes.includes(entry.contentHash)) return 'resolved';
  // What changed besides may be its metadata, which does not mend it.
  return live.attempt !== undefined && live.offset >= committed ? 'retried' : 'open';
}

/** Compares letters with the ledgers and the records topic, each of which is read once for all of them. */
export async function judgeLetters(context: DeadLetterContext, letters: readonly DeadLetter[]): Promise<Judgement> {
  const asked = letters.filter(({ isLatest, stage, key }) => isLatest && stage === 'process' && key !== null);
  const entries = await readLedgers(context, asked);
  const { versions, recordsRead } = await readRecords(context, asked);
  const groups = await context.log.groups();
  const judged = letters.map((letter): JudgedLetter => {
    const { model = '', connector, origin } = letter;
    const key = letter.key === null ? '' : keyText(letter.key);
    const entry = entries.get(`${model}/${origin?.partition}`)?.get(key);
    const live = origin && versions.get(origin.partition)?.get(key);
    const state = stateOf(letter, { entry, live, committed: committedOf(groups, connector, origin) });
    return { ...letter, state, ...(state === 'open' && live && { live }) };
  });
  return { letters: judged, recordsRead };
}

async function readLedgers(
  context: DeadLetterContext,
  letters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, LedgerView>>> {
  const groups = Map.groupBy(letters, ({ model = '', origin }) => `${model}/${origin?.partition}`);
  const entries = new Map<string, ReadonlyMap<string, LedgerView>>();
  for (const [name, group] of groups) {
    const [{ model, origin } = {}] = group;
    if (model === undefined || origin === undefined) continue;
    const wanted = { partition: origin.partition, keys: keysOf(group) };
    entries.set(name, await ledgerEntries(context, context.topics.ledger(model), wanted));
  }
  return entries;
}

async function readRecords(
  context: DeadLetterContext,
  letters: readonly DeadLetter[],
): Promise<{
  readonly versions: ReadonlyMap<number, ReadonlyMap<string, LiveVersion>>;
  readonly recordsRead: ReadonlyMap<number, number>;
}> {
  const versions = new Map<number, ReadonlyMap<string, LiveVersion>>();
  const recordsRead = new Map<number, number>();
  for (const [partition, group] of Map.groupBy(letters, ({ origin }) => origin?.partition)) {
    if (partition === undefined) continue;
    // A record is at the letter's offset or, newer, behind it.
    const from = group.reduce((least, { origin }) => Math.min(least, origin?.offset ?? 0), Infinity);
    const read = await latestVersions(context, { partition, keys: keysOf(group), from });
    versions.set(partition, read.versions);
    recordsRead.set(partition, read.endOffset);
  }
  return { versions, recordsRead };
}

function keysOf(letters: readonly DeadLetter[]): ReadonlySet<string> {
  return new Set(letters.map(({ key }) => keyText(key ?? new Uint8Array())));
}

function committedOf(groups: readonly GroupInfo[], name: string, origin: DeadLetter['origin']): number {
  const committed = groups.find(({ group }) => group === name)?.committed ?? [];
  return committed.find((each) => each.topic === origin?.topic && each.partition === origin.partition)?.offset ?? 0;
}
