import { hash } from 'node:crypto';
import type { ContentHash, ModelFingerprint } from './types.ts';

/** The first bytes of the fingerprint of whatever was made elsewhere: no SHA-256 begins so but by a chance of 2^-64. */
const MARK = Buffer.from('imported');
/** The same of one in hex. */
export const IMPORTED_PREFIX = MARK.toString('hex');
const HASH_BYTES = 32;

/** "Imported from this source as vectors of this model": 32 bytes, "imported" and then 24 bytes of a SHA-256. */
export function importFingerprint(model: string, source: string): ModelFingerprint {
  const digest = hash('sha256', JSON.stringify({ model, source }), 'buffer');
  return Buffer.concat([MARK, digest.subarray(0, HASH_BYTES - MARK.length)]).toString('hex') as ModelFingerprint;
}

/** Of the 32 bytes from `at` on. */
export function isImportFingerprint(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < MARK.length; i++) if (bytes[at + i] !== MARK[i]) return false;
  return true;
}

/** The same of a fingerprint in hex. */
export function isImportedPrint(fingerprint: string): boolean {
  return fingerprint.startsWith(IMPORTED_PREFIX);
}

/**
 * Stands for the content of a vector whose text nobody knows: SHA-256 over the word "vector", NUL and its float32 bytes.
 * So it changes with the vector, and is the hash of no text.
 */
export function vectorContentHash(vector: Float32Array): ContentHash {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return hash('sha256', Buffer.concat([VECTOR_PREFIX, bytes]), 'hex') as ContentHash;
}

const VECTOR_PREFIX = Buffer.from('vector\0');
