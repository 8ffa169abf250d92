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
  ['*.{a}+(b)', '.', ['x.{a}+(b)'], ['x.a'], [], []],
])('%s', (pattern, folder, matching, others, entered, left) => {
  const glob = parseGlob(pattern);
  it(`is below ${folder}`, () => {
    expect(glob.folder).toBe(folder);
    expect([...matching, ...others].filter(glob.filter.matches)).toEqual(matching);
    expect([...entered, ...left].filter(glob.filter.mayHold)).toEqual(entered);
  });
});

it('many wildcards against a long name take no time', () => {
  const { filter } = parseGlob(`${'**/'.repeat(30)}${'*a'.repeat(8)}b`);
  expect(filter.matches(`${'a/'.repeat(200)}${'a'.repeat(60)}`)).toBe(false);
}, 2_000);
