import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../../../../src/log/kafka/wire/varint.ts';
import { KafkajsEncoder } from './kafkajs-batches.ts';

const EDGES = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
const LONG_EDGES = [...EDGES, 2 ** 31, -(2 ** 31) - 1, 2 ** 52, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

/** The bytes that `write` wrote, and what it said about them. */
function written(write: (target: Uint8Array, at: number, value: number) => number, value: number): Buffer {
  const target = Buffer.alloc(16, 0xee);
  const end = write(target, 2, value);
  expect(target.subarray(end).every((byte) => byte === 0xee)).toBe(true);
  return target.subarray(2, end);
}

function checkVarint(value: number): void {
  const expected = new KafkajsEncoder().writeVarInt(value).buffer;
  expect(written(writeVarint, value)).toEqual(expected);
  expect(varintSize(value)).toBe(expected.length);
}

function checkVarlong(value: number): void {
  // By BigInt: kafkajs' own writeVarLong is right for these too, but takes them from its Long.
  let zigzag = BigInt(value) < 0n ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  const expected: number[] = [];
  for (; zigzag > 127n; zigzag >>= 7n) expected.push(Number(zigzag & 127n) | 128);
  expected.push(Number(zigzag));
  expect([...written(writeVarlong, value)]).toEqual(expected);
  expect([...new KafkajsEncoder().writeVarLong(value).buffer]).toEqual(expected);
  expect(varlongSize(value)).toBe(expected.length);
}

describe('varints', () => {
  it.each(EDGES)('writes %d as kafkajs does', checkVarint);

  it('writes any 32-bit integer as kafkajs does', () => {
    fc.assert(fc.property(fc.integer(), checkVarint));
  });

  it.each(LONG_EDGES)('writes %d as a 64-bit integer exactly', checkVarlong);

  it('writes any safe integer exactly', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), checkVarlong));
  });
});
