import type { Counted } from './count.ts';

export interface Expected {
  /** Content hashes of each id in the order in which they were published; null is a deletion. */
  readonly history: ReadonlyMap<string, readonly (string | null)[]>;
  /** Keys of the dead letters of `produce`. */
  readonly badRows: ReadonlySet<string>;
  /** Ids of records that can't be decoded. */
  readonly poison: ReadonlySet<string>;
}

export interface Totals {
  readonly records: number;
  readonly embeddings: number;
  readonly live: number;
  readonly deadLetters: number;
  /** Versions that were never embedded, since a later one of the id was in the same batch. */
  readonly superseded: number;
}

const MOST_SHOWN = 20;

/**
 * Exactly once, or an error that names what is not. Every version of an id is one record; it is embedded once, or not at
 * all when a later version was there already; the last version decides. Each ledger entry goes with its embedding.
 */
export function compare(counted: Counted, expected: Expected): Totals {
  const faults: string[] = [];
  const { history, badRows, poison } = expected;
  const records = byId(counted.records);
  const embeddings = byId(counted.embeddings);
  const ledger = byId(counted.ledger);
  let superseded = 0;
  let live = 0;
  for (const [id, versions] of history) {
    const published = records.get(id) ?? [];
    if (published.join() !== versions.join())
      faults.push(`${id} was published as ${show(published)}, not as ${show(versions)}`);
    const embedded = embeddings.get(id) ?? [];
    const told = missingOf(embedded, versions);
    if (told === undefined) faults.push(`${id} was embedded as ${show(embedded)} where it was ${show(versions)}`);
    else superseded += told;
    const entered = ledger.get(id) ?? [];
    if (entered.join() !== embedded.join())
      faults.push(`${id} is in the ledger as ${show(entered)}, embedded as ${show(embedded)}`);
    if (versions.at(-1) !== null) live++;
  }
  for (const id of poison)
    if (ledger.get(id)?.length !== 1) faults.push(`${id} is in the ledger as ${show(ledger.get(id) ?? [])}`);
  for (const [name, ids] of Object.entries({ records, embeddings, ledger }))
    for (const id of ids.keys())
      if (!history.has(id) && !poison.has(id)) faults.push(`${name} has ${id}, which nobody published`);
  const letters = counted.deadLetters.map(([, , id, stage]) => `${stage} ${id}`);
  const wantedLetters = [
    ...Array.from(badRows, (key) => `produce ${key}`),
    ...Array.from(poison, (id) => `process ${id}`),
  ];
  faults.push(...differences('dead letters', letters, wantedLetters));
  for (const [format, { rows, deletions }] of Object.entries(counted.shards)) {
    const live = counted.embeddings.filter(([, , , contentHash]) => contentHash !== null);
    faults.push(...differences(`${format} shards`, rows.map(String), live.map(String)));
    const gone = counted.embeddings.filter(([, , , contentHash]) => contentHash === null);
    const places = (all: Counted['embeddings'] | typeof deletions): string[] =>
      all.map(([partition, offset, id]) => `${partition}@${offset} ${id}`);
    faults.push(...differences(`deletions of ${format} shards`, places(deletions), places(gone)));
  }
  if (faults.length > 0)
    throw new Error([`${faults.length} differences:`, ...faults.slice(0, MOST_SHOWN)].join('\n  '));
  return {
    records: counted.records.length,
    embeddings: counted.embeddings.length,
    live,
    deadLetters: letters.length,
    superseded,
  };
}

function byId(rows: readonly (readonly [number, number, string, string | null, ...unknown[]])[]) {
  const byId = new Map<string, (string | null)[]>();
  for (const [, , id, contentHash] of rows) {
    const versions = byId.get(id);
    if (versions === undefined) byId.set(id, [contentHash]);
    else versions.push(contentHash);
  }
  return byId;
}

/** How many versions were passed over; undefined where what was embedded is no such selection that ends in the last. */
function missingOf(embedded: readonly (string | null)[], versions: readonly (string | null)[]): number | undefined {
  let at = 0;
  let passed = 0;
  for (const version of versions)
    if (at < embedded.length && embedded[at] === version) at++;
    else passed++;
  if (at < embedded.length) return undefined;
  const last = versions.at(-1) ?? null;
  // Of an id that was gone before anybody looked there is nothing.
  return (embedded.at(-1) ?? null) === last ? passed : undefined;
}

/** What is in one list more often than in the other. */
function differences(what: string, found: readonly string[], wanted: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const each of wanted) counts.set(each, (counts.get(each) ?? 0) + 1);
  for (const each of found) counts.set(each, (counts.get(each) ?? 0) - 1);
  return Array.from(counts)
    .filter(([, missing]) => missing !== 0)
    .map(([each, missing]) => `${what}: ${each} ${missing > 0 ? 'is missing' : 'is there too often'}`);
}

function show(versions: readonly (string | null)[]): string {
  return `[${versions.map((version) => version?.slice(0, 8) ?? 'deleted').join(', ')}]`;
}
