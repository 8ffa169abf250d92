import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../src/log/partitioner.ts';

/** From Kafka's own UtilsTest. */
const KNOWN: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  it.each(KNOWN)('hashes %j as Java does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('does not depend on where the bytes lie', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(9), (key, shift) => {
        const buffer = new Uint8Array(key.length + shift);
        buffer.set(key, shift);
        expect(murmur2(buffer.subarray(shift))).toBe(murmur2(key));
      }),
    );
  });
});

describe('partitionOf', () => {
  it('clears the sign and takes the remainder', () => {
    expect(partitionOf(Buffer.from('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7);
  });

  it('answers with a partition there is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });

  it('puts a record without a key into partition 0', () => {
    expect(partitionOf(null, 5)).toBe(0);
  });
});
