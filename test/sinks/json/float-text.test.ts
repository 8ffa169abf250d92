import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FLOAT_BYTES, writeFloat } from '../../../src/sinks/json/float-text.ts';

function textOf(value: number): string {
  const target = new Uint8Array(MAX_FLOAT_BYTES + 1);
  const end = writeFloat(value, target, 1);
  return Buffer.from(target.subarray(1, end)).toString();
}

function digitsOf(text: string): number {
  return text.replace(/e.*$/, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '').length;
}

function fewestDigits(value: number): number {
  for (let digits = 1; digits < 9; digits++)
    if (Math.fround(Number(value.toPrecision(digits))) === value) return digits;
  return 9;
}

describe('a float32 number as text', () => {
  it.each([
    [0, '0'],
    [-0, '-0.0'],
    [1, '1'],
    [-1, '-1'],
    [0.1, '0.1'],
    [-0.25, '-0.25'],
    [100, '100'],
    [16777216, '16777216'],
    [1234.5, '1234.5'],
    [0.000123, '0.000123'],
    [0.0000012, '0.0000012'],
    [1e-7, '1e-7'],
    [-1.25e-9, '-1.25e-9'],
    [3.4028234663852886e38, '3.4028235e+38'],
    [1.401298464324817e-45, '1e-45'],
    [NaN, 'null'],
    [Infinity, 'null'],
  ])('%s is %s', (value, text) => {
    expect(textOf(Math.fround(value))).toBe(text);
  });

  it('is JSON, reads back to the same float32, and has no digit too many', () => {
    const bits = fc.integer({ min: 0, max: 0xffff_ffff }).map((each) => {
      return new Float32Array(Uint32Array.of(each).buffer)[0] ?? 0;
    });
    const unit = fc.float({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(bits.filter(Number.isFinite), unit), (value) => {
        const text = textOf(value);
        expect(Object.is(Math.fround(JSON.parse(text) as number), value), text).toBe(true);
        expect(text.length).toBeLessThanOrEqual(MAX_FLOAT_BYTES);
        if (value !== 0) expect(digitsOf(text), text).toBe(fewestDigits(value));
      }),
      { numRuns: 20_000 },
    );
  });
});
