import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../../src/models/catalog/nearest-name.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['ABC', 'abc', 0],
  ])('%j to %j is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe('nearestName', () => {
  it('prefers a name that holds what was typed', () => {
    expect(nearestName('MiniLM', ['bge-small', 'all-MiniLM-L6-v2'])).toBe('all-MiniLM-L6-v2');
  });
  it('is silent when nothing is near', () => {
    expect(nearestName('quite-different', ['bge', 'clip'])).toBeUndefined();
  });
});
