import { poisonError } from '../errors.ts';
import type { LedgerEntry, LedgerOutcome } from '../record/types.ts';
import type { AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';
import { HASH_BYTES, contentHashOf, fingerprintOf } from './hashes.ts';
import type { LedgerParts } from './port.ts';

/** In the order of the schema's enum: EMBEDDED, DEAD_LETTERED, PUBLISHED. */
const OUTCOMES = ['embedded', 'dead-lettered', 'published'] as const satisfies readonly LedgerOutcome[];
const SYMBOLS = ['EMBEDDED', 'DEAD_LETTERED', 'PUBLISHED'];

export function writeLedgerParts(writer: AvroWriter, entry: LedgerParts): void {
  writer.writeRaw(entry.contentHash);
  writer.writeRaw(entry.fingerprint);
  writer.writeLong(OUTCOMES.indexOf(entry.outcome));
  writer.writeLong(entry.offset);
}

export function readLedgerParts(reader: AvroReader): LedgerParts {
  return {
    contentHash: reader.readFixed(HASH_BYTES),
    fingerprint: reader.readFixed(HASH_BYTES),
    outcome: outcomeAt(reader.readBranch(OUTCOMES.length)),
    offset: reader.readLong(),
  };
}

export function readLedgerEntry(reader: AvroReader): LedgerEntry {
  const parts = readLedgerParts(reader);
  return {
    ...parts,
    contentHash: contentHashOf(parts.contentHash),
    fingerprint: fingerprintOf(parts.fingerprint),
  };
}

export function readLedgerResolved(fields: Record<string, unknown>): LedgerParts {
  return {
    contentHash: fields['contentHash'] as Uint8Array,
    fingerprint: fields['fingerprint'] as Uint8Array,
    outcome: outcomeAt(SYMBOLS.indexOf(fields['outcome'] as string)),
    offset: fields['offset'] as number,
  };
}

function outcomeAt(index: number): LedgerOutcome {
  const outcome = OUTCOMES[index];
  if (outcome === undefined) throw poisonError('CODEC_CORRUPT', 'The ledger entry has an outcome that is not known.');
  return outcome;
}
