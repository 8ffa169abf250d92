import { murmur3x128 } from './murmur3.ts';
import { KEY_LENGTH_AT, RECORD_HEADER_BYTES, SIZE_AT, VALUE_LENGTH_AT } from './record-format.ts';

/**
 * A batch's key digests lie in a column of their own, so that compaction can tell what is superseded without reading
 * a value: three 32-bit numbers a record, 95 bits of MurmurHash3 of its key, and in the lowest bit of the third whether
 * it is a deletion. A record without a key has three zeros and is never superseded.
 */
export const DIGEST_WORDS = 3;
export const TOMBSTONE_BIT = 1;

/** (count x 3,) of the records in `data`. */
export function keyDigests(data: Uint8Array<ArrayBuffer>, count: number, seed: number): Uint32Array<ArrayBuffer> {
  const digests = new Uint32Array(count * DIGEST_WORDS);
  const hash = new Uint32Array(4);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  for (let i = 0; i < digests.length; i += DIGEST_WORDS) {
    const keyLength = view.getInt32(at + KEY_LENGTH_AT, true);
    if (keyLength >= 0) {
      const keyAt = at + RECORD_HEADER_BYTES;
      murmur3x128(data, keyAt, keyAt + keyLength, seed, hash);
      const isTombstone = view.getInt32(at + VALUE_LENGTH_AT, true) < 0;
      digests[i] = hash[0] ?? 0;
      digests[i + 1] = hash[1] ?? 0;
      digests[i + 2] = ((hash[2] ?? 0) & ~TOMBSTONE_BIT) | (isTombstone ? TOMBSTONE_BIT : 0);
    }
    at += view.getUint32(at + SIZE_AT, true);
  }
  return digests;
}

/** The digests as they were stored. */
export function digestsOf(stored: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return stored.byteOffset % 4 === 0
    ? new Uint32Array(stored.buffer, stored.byteOffset, stored.length / 4)
    : new Uint32Array(stored.slice().buffer);
}

export function bytesOf(digests: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(digests.buffer, digests.byteOffset, digests.byteLength);
}
