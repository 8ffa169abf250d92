import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { HASH_BYTES } from '../../codec/hashes.ts';
import { failureOutcome } from '../../errors.ts';
import { isImportFingerprint } from '../../record/imported.ts';
import type { LedgerOutcome } from '../../record/types.ts';
import { findTopic, readPartitionOf, readTopic } from '../topic-reading.ts';
import { IdentityColumns, TimeColumn, VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';

const OUTCOMES = ['embedded', 'dead-lettered', 'published'] as const satisfies readonly LedgerOutcome[];
const OUTCOME_BITS = 3;
const FINGERPRINT_SHIFT = 2;
const EMBEDDED = 1;
const TWO_32 = 0x1_0000_0000;

/** Numbers the fingerprints that occur in a model's topics. */
export class Fingerprints {
  readonly #known: Buffer[] = [];
  #last = 0;

  /** Of the 32 bytes from `at` on. */
  numberOf(bytes: Uint8Array, at: number): number {
    if (this.#isNumber(this.#last, bytes, at)) return this.#last;
    let number = this.#known.findIndex((_, i) => this.#isNumber(i, bytes, at));
    if (number < 0) number = this.#known.push(Buffer.from(bytes.subarray(at, at + HASH_BYTES))) - 1;
    return (this.#last = number);
  }

  #isNumber(number: number, bytes: Uint8Array, at: number): boolean {
    const known = this.#known[number];
    if (known === undefined) return false;
    for (let i = 0; i < HASH_BYTES; i++) if (known[i] !== bytes[at + i]) return false;
    return true;
  }
}

/** What the ledger and the embeddings topic of one model say: states are an outcome and the fingerprint's number. */
export class ModelColumns {
  readonly fingerprints = new Fingerprints();
  readonly ledger: IdentityColumns;
  readonly embeddings: IdentityColumns;
  readonly versions: VersionColumns;
  /** Ids that were retried after the ledger got its entry. */
  readonly waitingRetries = new Set<number>();
  /** Of the entry that the ledger got last from a processor. */
  latestFingerprint: Uint8Array | undefined;

  /** Of the live embeddings; there where it was asked for. */
  readonly createdAt: TimeColumn | undefined;

  constructor(expected: number, { withCreatedAt = false } = {}) {
    if (withCreatedAt) this.createdAt = new TimeColumn(expected);
    this.ledger = new IdentityColumns(expected);
    this.embeddings = new IdentityColumns(expected);
    this.versions = new VersionColumns(expected);
  }

  state(outcome: LedgerOutcome, fingerprint: Uint8Array, at: number): number {
    return (this.fingerprints.numberOf(fingerprint, at) << FINGERPRINT_SHIFT) | (OUTCOMES.indexOf(outcome) + EMBEDDED);
  }

  /** The outcome in a state, where it is one of this fingerprint. */
  static outcome(state: number, fingerprint: number): LedgerOutcome | undefined {
    return state >>> FINGERPRINT_SHIFT === fingerprint ? OUTCOMES[(state & OUTCOME_BITS) - EMBEDDED] : undefined;
  }
}

/** `retries`: offsets of live records that are retries, by index. */
export async function readModelColumns(
  context: ReconcileContext,
  model: string,
  retries: ReadonlyMap<number, number> = new Map(),
  options: { readonly withCreatedAt?: boolean } = {},
): Promise<ModelColumns> {
  const columns = new ModelColumns(context.ids.expected, options);
  await readLedger(context, context.topics.ledger(model), columns, retries);
  await readEmbeddings(context, context.topics.embeddings(model), columns);
  return columns;
}

async function readLedger(
  { log, codec, ids, signal }: ReconcileContext,
  topic: string,
  columns: ModelColumns,
  retries: ReadonlyMap<number, number>,
): Promise<void> {
  let latestMs = 0;
  for await (const records of readTopic(log, topic, signal)) {
    for (const { key, value } of records) {
      if (key === null) continue;
      const index = ids.add(key);
      if (value === null) {
        columns.ledger.clear(index);
        continue;
      }
      const { contentHash, fingerprint, outcome, offset } = codec.viewLedgerEntry(value);
      if ((retries.get(index) ?? -1) > offset) columns.waitingRetries.add(index);
      else columns.waitingRetries.delete(index);
      columns.ledger.set(index, contentHash, 0, columns.state(outcome, fingerprint, 0));
    }
    const last = records.findLast(
      ({ value }) => value !== null && !isImportFingerprint(codec.viewLedgerEntry(value).fingerprint),
    );
    if (last?.value == null || last.timestampMs < latestMs) continue;
    latestMs = last.timestampMs;
    columns.latestFingerprint = Uint8Array.from(codec.viewLedgerEntry(last.value).fingerprint);
  }
}

async function readEmbeddings(
  { log, codec, ids, signal }: ReconcileContext,
  topicName: string,
  columns: ModelColumns,
): Promise<void> {
  const { embeddings, versions } = columns;
  const scanner = new EmbeddingScanner();
  const topic = await findTopic(log, topicName);
  for (const info of topic?.partitionInfo ?? [])
    for await (const records of readPartitionOf(log, topicName, info, signal))
      for (const { key, value, offset } of records) {
        if (key === null) continue;
        const index = ids.add(key);
        const bytes = value === null ? undefined : scanned(value, codec, scanner);
        versions.set(index, info.partition, offset, bytes !== undefined);
        if (bytes === undefined) {
          embeddings.clear(index);
          continue;
        }
        columns.createdAt?.set(index, scanner.createdAtHigh * TWO_32 + (scanner.createdAtLow >>> 0));
        const state = columns.state('embedded', bytes, scanner.fingerprintStart);
        embeddings.set(index, bytes, scanner.contentHashStart, state);
      }
}

/** undefined: it is no embedding, so there is none of this id, and outputs have it among their dead letters. */
function scanned(
  value: Uint8Array,
  codec: ReconcileContext['codec'],
  scanner: EmbeddingScanner,
): Uint8Array | undefined {
  try {
    const bytes = codec.upgradeEmbedding(value);
    scanner.scan(bytes, 0, bytes.length);
    return bytes;
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    return undefined;
  }
}
