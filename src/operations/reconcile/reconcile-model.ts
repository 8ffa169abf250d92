import { bytesOfHash } from '../../codec/hashes.ts';
import type { PartKind } from '../../record/identity.ts';
import { ZERO_FINGERPRINT } from '../../record/types.ts';
import { IdentityColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { NOTHING_IMPORTED, type ImportedIds } from './import-columns.ts';
import { ModelColumns } from './model-columns.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import type { RecordColumns } from './record-columns.ts';

export interface ModelToReconcile {
  readonly name: string;
  readonly kinds: readonly PartKind[];
  /** The fingerprint that counts as present, hex. Left out: that of the entry that the ledger got last. */
  readonly fingerprint?: string;
  /** A processor has worked for it. Left out: its ledger tells. */
  readonly hasProcessor?: boolean;
}

interface Counts {
  /** Live records on the log. */
  readonly records: number;
  /** Of these: */
  readonly embedded: number;
  readonly deadLettered: number;
  /** Dead-lettered, published again, and not processed since. */
  readonly retried: number;
  readonly notApplicable: number;
  /** Embeddings that were imported and are of no record that the model embeds here. */
  readonly imported: number;
}

export interface ModelReconciliation extends Counts {
  readonly model: string;
  readonly differences: Differences;
}

/**
 * Every live record has a ledger entry of its present identity, every embedded one its embedding, everything imported is
 * there, and nothing is over. A model that has nothing but what was imported is not compared with the records: there
 * is no processor that would have embedded them.
 */
export async function reconcileModel(
  context: ReconcileContext,
  model: ModelToReconcile,
  records: RecordColumns,
  columns: ModelColumns,
  imported: ImportedIds = NOTHING_IMPORTED,
): Promise<ModelReconciliation> {
  const { log, ids, topics, signal } = context;
  const differences = new Differences();
  const counts = compare(ids.size, model, records, columns, differences, imported);
  const keysOf = (topic: string) => () => keysOfTopic(log, topic, signal);
  await nameDifferences(differences, ['not-processed', 'embedding-missing'], ids, keysOf(topics.records));
  for (const topic of imported.topics) await nameDifferences(differences, ['import-missing'], ids, keysOf(topic));
  await nameDifferences(differences, ['ledger-orphan'], ids, keysOf(topics.ledger(model.name)));
  await nameDifferences(differences, ['embedding-orphan'], ids, keysOf(topics.embeddings(model.name)));
  return { model: model.name, ...counts, differences };
}

function compare(
  size: number,
  { kinds, fingerprint, hasProcessor }: ModelToReconcile,
  records: RecordColumns,
  columns: ModelColumns,
  differences: Differences,
  imported: ImportedIds,
): Counts {
  const counts = { records: 0, embedded: 0, deadLettered: 0, retried: 0, notApplicable: 0, imported: 0 };
  const isCompared = hasProcessor === true || !isOnlyImported(size, columns, imported);
  const { ledger, embeddings, latestFingerprint, fingerprints, waitingRetries } = columns;
  const identities = records.identities(kinds) ?? new IdentityColumns(0);
  const present = fingerprint === undefined ? latestFingerprint : bytesOfHash(fingerprint);
  const print = fingerprints.numberOf(present ?? bytesOfHash(ZERO_FINGERPRINT), 0);
  /** The outcome of exactly the record's present identity. */
  const outcomeIn = (from: IdentityColumns, index: number): ReturnType<typeof ModelColumns.outcome> =>
    from.state(index) !== 0 && from.hasHashOf(index, identities)
      ? ModelColumns.outcome(from.state(index), print)
      : undefined;

  for (let index = 0; index < size; index++) {
    const hasEntry = ledger.state(index) !== 0;
    const hasEmbedding = embeddings.state(index) !== 0;
    const isLive = isCompared && records.live.has(index);
    if (isLive) counts.records++;
    if (!isCompared || identities.state(index) === 0) {
      if (isLive) counts.notApplicable++;
      if (imported.has(index)) {
        if (isWhole(columns, index)) counts.imported++;
        else differences.addNumbered('import-missing', index);
        continue;
      }
      if (hasEntry) differences.addNumbered('ledger-orphan', index);
      if (hasEmbedding) differences.addNumbered('embedding-orphan', index);
      continue;
    }
    const outcome = outcomeIn(ledger, index);
    const isEmbedded = outcomeIn(embeddings, index) === 'embedded';
    if (outcome === 'dead-lettered') counts[waitingRetries.has(index) ? 'retried' : 'deadLettered']++;
    else if (outcome !== 'embedded') differences.addNumbered('not-processed', index);
    else if (isEmbedded) counts.embedded++;
    else differences.addNumbered('embedding-missing', index);
    // An embedding of an earlier content is no orphan while the record waits to be processed again.
    const isExpected = hasEntry && (isEmbedded || outcome === undefined);
    if (hasEmbedding && !isExpected) differences.addNumbered('embedding-orphan', index);
  }
  return counts;
}

/** True when there is something, and all of it was imported. */
function isOnlyImported(size: number, { ledger }: ModelColumns, imported: ImportedIds): boolean {
  let isAny = false;
  for (let index = 0; index < size; index++) {
    if (ledger.state(index) !== 0 && !imported.has(index)) return false;
    if (imported.has(index)) isAny = true;
  }
  return isAny;
}

/** The ledger and the embedding say the same. */
function isWhole({ ledger, embeddings }: ModelColumns, index: number): boolean {
  const state = ledger.state(index);
  return state !== 0 && state === embeddings.state(index) && embeddings.hasHashOf(index, ledger);
}
