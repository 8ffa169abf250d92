import { describe, expect, it } from 'vitest';
import { parseGlob } from '../../../src/producers/files/glob.ts';

describe.each([
  ['data/*.jsonl', 'data', ['a.jsonl', 'a b.jsonl'], ['x/a.jsonl', '.a.jsonl', 'a.jsonlx', 'a.csv'], [], ['x']],
  ['d/**/*.csv', 'd', ['a.csv', 'x/a.csv', 'x/y/a.csv'], ['x/a.jsonl', '.x/a.csv'], ['x', 'x/y'], ['.x']],
  [
    '/r/20[12]?/*/p-[!0].csv',
    '/r',
    ['201a/x/p-1.csv'],
    ['203a/x/p-1.csv', '201a/p-1.csv', '201a/x/p-0.csv'],
    ['201a', '201a/x'],
    ['203a'],
  ],
  ['p/*.{jpg,png}', 'p', ['a.jpg', 'b.png'], ['a.gif', 'x/a.jpg', 'a.{jpg,png}'], [], ['x']],
  ['p/{a,b/{c,d}}/*.csv', 'p', ['a/1.csv', 'b/c/1.csv', 'b/d/1.csv'], ['b/1.csv', 'c/1.csv'], ['a', 'b', 'b/c'], ['c']],
  ['p/{a,}b.csv', 'p', ['ab.csv', 'b.csv'], ['a,b.csv'], [], []],
  ['*.{a}+(b)', '.', ['x.{a}+(b)'], ['x.a'], [], []],
])('%s', (pattern, folder, matching, others, entered, left) => {
  const glob = parseGlob(pattern);
  it(`is below ${folder}`, () => {
    expect(glob.folder).toBe(folder);
    expect([...matching, ...others].filter(glob.filter.matches)).toEqual(matching);
    expect([...entered, ...left].filter(glob.filter.mayHold)).toEqual(entered);
  });
});

it('that stands for too many is refused', () => {
  expect(() => parseGlob('{a,b}'.repeat(9))).toThrow(/more than 256 patterns/);
});

it('many wildcards against a long name take no time', () => {
  const { filter } = parseGlob(`${'**/'.repeat(30)}${'*a'.repeat(8)}b`);
  expect(filter.matches(`${'a/'.repeat(200)}${'a'.repeat(60)}`)).toBe(false);
}, 2_000);
