import { expect, it } from 'vitest';
import { LineLimit } from '../../src/telemetry/line-limit.ts';

it('lets so many lines through in a second, and counts the rest', () => {
  let nowMs = 0;
  const limit = new LineLimit(2, () => nowMs);
  const admitted = (count: number): number =>
    Array.from({ length: count }, () => limit.admits()).filter(Boolean).length;
  expect(admitted(5)).toBe(2);
  nowMs = 999;
  expect(admitted(1)).toBe(0);
  nowMs = 1000;
  expect(limit.takeOmitted()).toBe(4);
  expect(limit.takeOmitted()).toBe(0);
  expect(admitted(1)).toBe(1);
  expect(limit.takeOmitted()).toBe(0);
});
