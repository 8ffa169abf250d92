import { describe, expect, it } from 'vitest';
import { murmur3x128 } from '../../../src/log/embedded/murmur3.ts';

function hex(data: Uint8Array, start = 0, end = data.length, seed = 0): string {
  const out = new Uint32Array(4);
  murmur3x128(data, start, end, seed, out);
  return [...out].map((word) => word.toString(16).padStart(8, '0')).join('');
}

/** The verification value of SMHasher for MurmurHash3_x86_128: hashes of [0..i) with seed 256 - i, hashed together. */
function verificationValue(): number {
  const key = Uint8Array.from({ length: 256 }, (_, i) => i);
  const hashes = Buffer.alloc(256 * 16);
  const out = new Uint32Array(4);
  for (let i = 0; i < 256; i++) {
    murmur3x128(key, 0, i, 256 - i, out);
    out.forEach((word, lane) => hashes.writeUInt32LE(word, i * 16 + lane * 4));
  }
  murmur3x128(hashes, 0, hashes.length, 0, out);
  return out[0]!;
}

describe('murmur3x128', () => {
  it('passes the verification of SMHasher', () => {
    expect(verificationValue()).toBe(0xb3ece62a);
  });

  it('hashes a range as it does the same bytes alone', () => {
    const text = Buffer.from('xxthe quick brown fox jumps over the lazy dogyy');
    expect(hex(text, 2, text.length - 2, 7)).toBe(hex(text.subarray(2, -2), 0, text.length - 4, 7));
  });
});
