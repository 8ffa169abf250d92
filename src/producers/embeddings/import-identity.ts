import { createHash } from 'node:crypto';
import { bytesOfHash } from '../../codec/hashes.ts';
import { sha256, type PartKind } from '../../record/identity.ts';
import { vectorContentHash } from '../../record/imported.ts';
import type { ContentHash, ModelFingerprint } from '../../record/types.ts';
import { fault, type ImportFault, type ImportRow } from './row.ts';

/** What the user vouches for: the vectors are of the model's present weights. */
export interface Trust {
  readonly fingerprint: ModelFingerprint;
  readonly kinds: readonly PartKind[];
  /** 32 bytes: the content hash of the live record of an id. */
  readonly hashOf: (id: string) => Uint8Array | undefined;
}

export interface RowIdentity {
  readonly contentHash: ContentHash;
  readonly fingerprint: ModelFingerprint;
  /** With trust: nobody has the text. */
  readonly isWithoutText?: boolean;
}

/**
 * What an imported vector is one of. Without trust: of this import, whatever the model is now. With it: of the model as it
 * is, and of the text that the file has, that our own file names, or that the log has, so that a processor skips it.
 */
export function identityOf(
  row: ImportRow,
  file: string,
  importPrint: ModelFingerprint,
  trust: Trust | undefined,
): RowIdentity | ImportFault {
  const ofText = row.text === undefined ? undefined : (sha256(row.text).toString('hex') as ContentHash);
  const asImported: RowIdentity = { contentHash: ofText ?? vectorContentHash(row.vector), fingerprint: importPrint };
  // Our own file says which version of the model it was.
  if (trust === undefined || (row.fingerprint !== undefined && row.fingerprint !== trust.fingerprint))
    return asImported;
  const onLog = trust.hashOf(row.id);
  const readsOnlyText = trust.kinds.includes('text') && trust.kinds.length === 1;
  const inFile = isHash(row.contentHash) ? row.contentHash : readsOnlyText ? ofText : undefined;
  if (inFile !== undefined && onLog !== undefined && !bytesOfHash(inFile).equals(onLog)) {
    const reason = `${file}:${row.row}: the record "${row.id}" on the log has another content than this vector was made of. It is left to the model: run "process".`;
    return fault('IMPORT_CONTENT_DIFFERS', reason, row.row, row.raw());
  }
  const contentHash = inFile ?? (onLog && (Buffer.from(onLog).toString('hex') as ContentHash));
  return contentHash === undefined
    ? { ...asImported, isWithoutText: true }
    : { contentHash, fingerprint: trust.fingerprint };
}

/** What a source's ledger compares: everything that the row says but when it was made, and whether it is trusted. */
export function rowHash({ text, metadata, vector }: ImportRow): Buffer {
  const words = JSON.stringify([text ?? null, [...metadata]], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return createHash('sha256')
    .update(words)
    .update('\0')
    .update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    .digest();
}

function isHash(text: string | undefined): text is ContentHash {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}
