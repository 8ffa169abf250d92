import type { Codec, LedgerParts } from '../codec/port.ts';
import { checkPlaces } from '../log/placement.ts';
import type { Log } from '../log/port.ts';
import { isImportFingerprint } from '../record/imported.ts';
import type { LedgerOutcome } from '../record/types.ts';
import { IdentityTable } from './identity-table.ts';

/** Read ahead while a ledger is restored: entries are small, and what is decoded of them is garbage at once. */
const RESTORE_BYTES = 1024 * 1024;

const OUTCOMES = ['embedded', 'dead-lettered', 'published'] as const satisfies readonly LedgerOutcome[];
const MARKED = 0x80;
const OUTCOME_BITS = 0x7f;
const FINGERPRINT_SHIFT = 8;

export type LedgerIdentity = Pick<LedgerParts, 'contentHash' | 'fingerprint' | 'outcome'>;

/**
 * Compacted id -> identity, the state of a processor or a source. Of an identity it keeps 64 bits of the content hash
 * and the number of the fingerprint among those it has seen: enough to tell whether a record is the same, at 24 bytes
 * an id. A mark can be put on an entry; a new entry has none.
 */
export class Ledger {
  readonly #table = new IdentityTable();
  readonly #fingerprints: string[] = [];
  /** Of each fingerprint. */
  readonly #isImport: boolean[] = [];
  #lastFingerprint: { bytes: Uint8Array; index: number } | undefined;

  get size(): number {
    return this.#table.size;
  }

  get byteLength(): number {
    return this.#table.byteLength;
  }

  has(id: string | Uint8Array): boolean {
    return this.#table.find(id) >= 0;
  }

  /** The outcome the ledger has for exactly this identity, or undefined. */
  outcomeOf(id: string | Uint8Array, contentHash: Uint8Array, fingerprint: Uint8Array): LedgerOutcome | undefined {
    const slot = this.#table.find(id);
    if (slot < 0) return undefined;
    const table = this.#table;
    if (table.payload(slot, 0) !== word(contentHash, 0) || table.payload(slot, 1) !== word(contentHash, 4))
      return undefined;
    const state = table.payload(slot, 2);
    if (state >>> FINGERPRINT_SHIFT !== this.#fingerprintIndex(fingerprint)) return undefined;
    return OUTCOMES[state & OUTCOME_BITS];
  }

  /** True when an entry has another fingerprint than this one; entries of imports do not count. */
  hasOtherThan(fingerprint: Uint8Array): boolean {
    const index = this.#fingerprintIndex(fingerprint);
    for (const slot of this.#table.slots()) {
      const other = this.#table.payload(slot, 2) >>> FINGERPRINT_SHIFT;
      if (other !== index && this.#isImport[other] !== true) return true;
    }
    return false;
  }

  /** True when any entry has another fingerprint than this one. */
  hasAnyOtherThan(fingerprint: Uint8Array): boolean {
    const index = this.#fingerprintIndex(fingerprint);
    for (const slot of this.#table.slots())
      if (this.#table.payload(slot, 2) >>> FINGERPRINT_SHIFT !== index) return true;
    return false;
  }

  /** True when the id's entry has a fingerprint of an import: no processor has made it. */
  isImported(id: string | Uint8Array): boolean {
    const slot = this.#table.find(id);
    return slot >= 0 && this.#isImport[this.#table.payload(slot, 2) >>> FINGERPRINT_SHIFT] === true;
  }

  /** True when the id's entry has this fingerprint. */
  hasFingerprint(id: string | Uint8Array, fingerprint: Uint8Array): boolean {
    const slot = this.#table.find(id);
    return slot >= 0 && this.#table.payload(slot, 2) >>> FINGERPRINT_SHIFT === this.#fingerprintIndex(fingerprint);
  }

  /** Sets an entry and keeps its mark; true when the id was not there. */
  set(id: string | Uint8Array, identity: LedgerIdentity): boolean {
    const before = this.#table.size;
    const slot = this.#table.upsert(id);
    const mark = this.#table.payload(slot, 2) & MARKED;
    const state =
      (this.#fingerprintIndex(identity.fingerprint) << FINGERPRINT_SHIFT) | OUTCOMES.indexOf(identity.outcome);
    this.#table.setPayload(slot, 0, word(identity.contentHash, 0));
    this.#table.setPayload(slot, 1, word(identity.contentHash, 4));
    this.#table.setPayload(slot, 2, state | mark);
    return this.#table.size > before;
  }

  delete(id: string | Uint8Array): boolean {
    return this.#table.delete(id);
  }

  /** Marks an entry; false when it was marked before. */
  mark(id: string | Uint8Array): boolean {
    const slot = this.#table.upsert(id);
    const state = this.#table.payload(slot, 2);
    this.#table.setPayload(slot, 2, state | MARKED);
    return (state & MARKED) === 0;
  }

  isMarked(id: string | Uint8Array): boolean {
    const slot = this.#table.find(id);
    return slot >= 0 && (this.#table.payload(slot, 2) & MARKED) !== 0;
  }

  /** Entries of this outcome without a mark. */
  countUnmarked(outcome: LedgerOutcome): number {
    const wanted = OUTCOMES.indexOf(outcome);
    let count = 0;
    for (const slot of this.#table.slots()) {
      const state = this.#table.payload(slot, 2);
      if ((state & MARKED) === 0 && (state & OUTCOME_BITS) === wanted) count++;
    }
    return count;
  }

  #fingerprintIndex(fingerprint: Uint8Array): number {
    const last = this.#lastFingerprint;
    if (last !== undefined && Buffer.compare(last.bytes, fingerprint) === 0) return last.index;
    const hex = Buffer.from(fingerprint).toString('hex');
    let index = this.#fingerprints.indexOf(hex);
    if (index < 0) {
      index = this.#fingerprints.push(hex) - 1;
      this.#isImport.push(isImportFingerprint(fingerprint));
    }
    this.#lastFingerprint = { bytes: Uint8Array.from(fingerprint), index };
    return index;
  }
}

/** Reads a ledger topic's partition, whole, into a ledger. Rejects with LOG_PARTITION_MISMATCH: see `checkPlaces`. */
export async function restoreLedger(
  ledger: Ledger,
  source: { readonly log: Log; readonly codec: Codec; readonly topic: string; readonly partition: number },
  signal?: AbortSignal,
): Promise<void> {
  const info = (await source.log.topics()).find((topic) => topic.name === source.topic);
  const partition = info?.partitionInfo[source.partition];
  if (info === undefined || partition === undefined) return;
  const { partitions } = info;
  const { startOffset, endOffset } = partition;
  const options = { transient: true, maxBatchBytes: RESTORE_BYTES, ...(signal && { signal }) };
  for await (const batch of source.log.read(source.topic, source.partition, startOffset, endOffset, options)) {
    checkPlaces(batch.records, { topic: source.topic, partition: source.partition, partitions });
    for (const { key, value } of batch.records) {
      if (key === null) continue;
      if (value === null) ledger.delete(key);
      else ledger.set(key, source.codec.viewLedgerEntry(value));
    }
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}
