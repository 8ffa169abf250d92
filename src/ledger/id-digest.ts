import { hash } from 'node:crypto';

/**
 * SHA-256 of an id (text, or its UTF-8), a character a byte: measured 0.33 µs, where a Buffer takes 1.5 µs, most of it
 * to be made.
 */
export function digestOfId(id: string | Uint8Array): string {
  // Node's older name of latin1, the only one its types have here.
  return hash('sha256', id, 'binary');
}

/** The uint32, little-endian, from byte `at` of a digest on. */
export function wordOfDigest(digest: string, at: number): number {
  return (
    (digest.charCodeAt(at) |
      (digest.charCodeAt(at + 1) << 8) |
      (digest.charCodeAt(at + 2) << 16) |
      (digest.charCodeAt(at + 3) << 24)) >>>
    0
  );
}
