import { expect, it } from 'vitest';
import { RowMemory } from '../../src/sinks/row-memory.ts';

const MIB = 1024 * 1024;

it('gives out again what has come back, where it is large enough', () => {
  const memory = new RowMemory(8 * MIB);
  const first = memory.take(1_000_000);
  expect(first.length).toBe(MIB);
  memory.giveBack(first.buffer);
  const larger = memory.take(2_000_000);
  expect(larger.buffer).not.toBe(first.buffer);
  expect(larger.length).toBeGreaterThanOrEqual(2_000_000);
  expect(memory.take(900_000).buffer).toBe(first.buffer);
  expect(memory.take(900_000).buffer).not.toBe(first.buffer);
});

it('keeps no more than it may, the latest', () => {
  const memory = new RowMemory(3 * MIB);
  const given = Array.from({ length: 5 }, () => memory.take(MIB).buffer);
  for (const each of given) memory.giveBack(each);
  expect(given.map((each) => each.byteLength)).toEqual([0, 0, MIB, MIB, MIB]);
  expect(memory.take(MIB).buffer).toBe(given[2]);
});
