import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../src/record/nearest-name.ts';

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

describe('nearestName', () => {
  const names = ['source', 'limit', 'data-dir', 'dtype', 'delimiter'];
  it.each([
    ['suorce', 'source'],
    ['sources', 'source'],
    ['limt', 'limit'],
    ['datadir', 'data-dir'],
    ['delim', 'delimiter'],
    ['dir', 'data-dir'],
    ['the-source', 'source'],
    ['DTYPE', 'dtype'],
    ['zzz', undefined],
    ['', undefined],
  ])('for %s suggests %s', (typed, expected) => {
    expect(nearestName(typed, names)).toBe(expected);
  });
});
