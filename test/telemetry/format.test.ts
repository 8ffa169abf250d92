import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../src/telemetry/format.ts';

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [-12345, '-12,345'],
    [12.34, '12.3'],
    [1234.5, '1,235'],
    [99.96, '100'],
    [NaN, '?'],
    [Infinity, '?'],
  ])('%d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [150 * 1024, '150 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [24 * 1024 ** 2, '24.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [3 * 1024 ** 5, '3.0 PiB'],
    [4000 * 1024 ** 5, '4000 PiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [450.4, '450 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [4200, '4.2 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min 00 s'],
    [65_000, '1 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [2 * 3_600_000 + 180_000, '2 h 03 min'],
    [76 * 3_600_000, '3 d 04 h'],
    [-1, '?'],
    [Infinity, '?'],
  ])('%d ms is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

it('formatRate names its unit', () => {
  expect(formatRate(1234, 'rows')).toBe('1,234 rows/s');
});
