import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/log/kafka/wire/crc32c.ts';
import { kafkajsCrc32c } from './kafkajs-batches.ts';

/** RFC 3720, appendix B.4, and the catalogue's check value. */
const KNOWN: readonly (readonly [string, Uint8Array, number])[] = [
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['32 incrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 decrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['"123456789"', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
];

describe('crc32c', () => {
  it.each(KNOWN)('of %s', (_name, bytes, checksum) => {
    expect(crc32c(bytes, 0, bytes.length)).toBe(checksum);
  });

  it('is that of kafkajs for any part of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
        const from = Math.min(a, b, bytes.length);
        const to = Math.min(Math.max(a, b), bytes.length);
        expect(crc32c(bytes, from, to)).toBe(kafkajsCrc32c(Buffer.from(bytes.subarray(from, to))) >>> 0);
      }),
    );
  });
});
