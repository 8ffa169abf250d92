import type { Codec, SourceRecordView } from '../codec/port.ts';
import { failureOutcome, type PipelineError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LogRecord } from '../log/port.ts';
import { ATTEMPT_HEADER } from '../record/dead-letter.ts';
import type { EmbedInput } from '../models/port.ts';
import { contentHashFor, sha256, type PartKind } from '../record/identity.ts';
import { keyText } from '../record/key-text.ts';

/** What is to become of one record, decided before anything is embedded. */
export type Decision =
  | {
      readonly kind: 'embed';
      readonly record: LogRecord;
      readonly view: SourceRecordView;
      readonly contentHash: Uint8Array;
      /** The ledger has an entry of this id, so there may be an embedding of it. */
      readonly known: boolean;
    }
  | { readonly kind: 'delete'; readonly record: LogRecord; readonly reason: 'deleted' | 'not-applicable' }
  | {
      readonly kind: 'dead-letter';
      readonly record: LogRecord;
      readonly contentHash: Uint8Array;
      readonly error: PipelineError;
      readonly known: boolean;
    };

export interface Plan {
  /** In offset order. */
  readonly decisions: readonly Decision[];
  readonly skipped: number;
  readonly superseded: number;
  readonly notApplicable: number;
  readonly deleted: number;
}

export interface PlanContext {
  readonly codec: Codec;
  readonly ledger: Ledger;
  readonly kinds: readonly PartKind[];
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/**
 * Decides each record of a batch by the ledger, which is the state before the batch; only the last version of an id
 * counts. Pure but for reading the ledger.
 */
export function planBatch(records: readonly LogRecord[], context: PlanContext): Plan {
  const last = lastVersions(records);
  const decisions: Decision[] = [];
  const counts = { skipped: 0, superseded: 0, notApplicable: 0, deleted: 0 };
  records.forEach((record, index) => {
    if (last !== undefined && record.key !== null && last.get(keyText(record.key)) !== index) {
      counts.superseded++;
      return;
    }
    const decision = decide(record, context);
    if (decision === 'skip') counts.skipped++;
    else if (decision === 'not-applicable') counts.notApplicable++;
    else if (decision === 'already-deleted') counts.deleted++;
    else {
      if (decision.kind === 'delete') counts[decision.reason === 'deleted' ? 'deleted' : 'notApplicable']++;
      decisions.push(decision);
    }
  });
  return { decisions, ...counts };
}

function decide(record: LogRecord, context: PlanContext): Decision | 'skip' | 'not-applicable' | 'already-deleted' {
  const { ledger, fingerprint } = context;
  const { key, value } = record;
  if (value === null)
    return key !== null && hasOwn(ledger, key) ? { kind: 'delete', record, reason: 'deleted' } : 'already-deleted';
  const retried = record.headers[ATTEMPT_HEADER] !== undefined;
  let view: SourceRecordView;
  try {
    view = context.codec.viewSourceRecord(value);
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    const contentHash = sha256(value);
    if (!retried && key !== null && ledger.outcomeOf(key, contentHash, fingerprint) !== undefined) return 'skip';
    // failureOutcome answers dead-letter for nothing but a PipelineError.
    return {
      kind: 'dead-letter',
      record,
      contentHash,
      error: error as PipelineError,
      known: key !== null && ledger.has(key),
    };
  }
  const contentHash = contentHashFor(context.kinds, view);
  if (contentHash === undefined)
    return hasOwn(ledger, view.id) ? { kind: 'delete', record, reason: 'not-applicable' } : 'not-applicable';
  const before = ledger.outcomeOf(view.id, contentHash, fingerprint);
  // A retry is for the models that dead-lettered it; one that has embedded it would do so twice.
  if (before === 'embedded' || (before !== undefined && !retried)) return 'skip';
  return { kind: 'embed', record, view, contentHash, known: ledger.has(view.id) };
}

/** The parts of a record that the model reads. */
export function inputOf({ view }: Extract<Decision, { kind: 'embed' }>, kinds: readonly PartKind[]): EmbedInput {
  const image = view.image;
  return {
    ...(view.text !== undefined && kinds.includes('text') && { text: view.text }),
    ...(image?.bytes && kinds.includes('image') && { image: { mime: image.mime, bytes: image.bytes } }),
  };
}

/** What was imported is the import's to delete: there may never have been a record of it. */
function hasOwn(ledger: Ledger, id: string | Uint8Array): boolean {
  return ledger.has(id) && !ledger.isImported(id);
}

/** Index of each key's last record, or undefined when no key comes twice. */
function lastVersions(records: readonly LogRecord[]): Map<string, number> | undefined {
  const last = new Map<string, number>();
  let keyed = 0;
  for (const [index, { key }] of records.entries()) {
    if (key === null) continue;
    keyed++;
    last.set(keyText(key), index);
  }
  return last.size < keyed ? last : undefined;
}
