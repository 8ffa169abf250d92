import { poisonError } from '../errors.ts';
import type { ContentHash, ModelFingerprint } from '../record/types.ts';

export const HASH_BYTES = 32;

/** 64 hex digits to 32 bytes. */
export function bytesOfHash(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== HASH_BYTES || hex.length !== HASH_BYTES * 2)
    throw poisonError('CODEC_NOT_A_HASH', `"${hex.slice(0, 80)}" is not a SHA-256 in hex (64 digits).`);
  return bytes;
}

/** 32 bytes to 64 hex digits. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function contentHashOf(bytes: Uint8Array): ContentHash {
  return hexOf(bytes) as ContentHash;
}

export function fingerprintOf(bytes: Uint8Array): ModelFingerprint {
  return hexOf(bytes) as ModelFingerprint;
}
