import { bytesOfHash } from '../../codec/hashes.ts';
import type { PartKind } from '../../record/identity.ts';
import { ZERO_FINGERPRINT } from '../../record/types.ts';
import { IdentityColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { ModelColumns } from './model-columns.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import type { RecordColumns } from './record-columns.ts';

export interface ModelToReconcile {
  readonly name: string;
  readonly kinds: readonly PartKind[];
  /** The fingerprint that counts as present, hex. Left out: that of the entry that the ledger got last. */
  readonly fingerprint?: string;
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
}

export interface ModelReconciliation extends Counts {
  readonly model: string;
  readonly differences: Differences;
}

/** Every live record has a ledger entry of its present identity, every embedded one its embedding, and nothing is over. */
export async function reconcileModel(
  context: ReconcileContext,
  model: ModelToReconcile,
  records: RecordColumns,
  columns: ModelColumns,
): Promise<ModelReconciliation> {
  const { log, ids, topics, signal } = context;
  const differences = new Differences();
  const counts = compare(ids.size, model, records, columns, differences);
  const keysOf = (topic: string) => () => keysOfTopic(log, topic, signal);
  await nameDifferences(differences, ['not-processed', 'embedding-missing'], ids, keysOf(topics.records));
  await nameDifferences(differences, ['ledger-orphan'], ids, keysOf(topics.ledger(model.name)));
  await nameDifferences(differences, ['embedding-orphan'], ids, keysOf(topics.embeddings(model.name)));
  return { model: model.name, ...counts, differences };
}

function compare(
  size: number,
  { kinds, fingerprint }: ModelToReconcile,
  records: RecordColumns,
  columns: ModelColumns,
  differences: Differences,
): Counts {
  const counts = { records: 0, embedded: 0, deadLettered: 0, retried: 0, notApplicable: 0 };
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
    if (records.live.has(index)) counts.records++;
    if (identities.state(index) === 0) {
      if (records.live.has(index)) counts.notApplicable++;
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
