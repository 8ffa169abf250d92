import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/cli/nearest.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['suorce', 'source', 1],
    ['limit', 'limit', 0],
  ])('%s to %s is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('nearest', () => {
  const names = ['source', 'limit', 'data-dir', 'dtype', 'delimiter'];
  it.each([
    ['suorce', 'source'],
    ['sources', 'source'],
    ['limt', 'limit'],
    ['datadir', 'data-dir'],
    ['delim', 'delimiter'],
    ['DTYPE', 'dtype'],
    ['zzz', undefined],
    ['', undefined],
  ])('for %s suggests %s', (typed, expected) => {
    expect(nearest(typed, names)).toBe(expected);
  });
});
