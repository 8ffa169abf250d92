import { expect, it } from 'vitest';
import { compare, type Expected } from './compare.ts';
import type { Counted } from './count.ts';

const EXPECTED: Expected = {
  history: new Map([
    ['a', ['a1', 'a2']],
    ['b', ['b1', 'b2', null]],
    ['c', ['c1']],
  ]),
  badRows: new Set(['faulty:3']),
  poison: new Set(['poison-1']),
};

/** As it must be: b was changed and deleted before anybody embedded its second version. */
function counted(): Mutable<Counted> {
  return {
    records: [
      [0, 0, 'a', 'a1'],
      [0, 1, 'b', 'b1'],
      [0, 2, 'poison-1', 'undecodable'],
      [0, 3, 'a', 'a2'],
      [0, 4, 'b', 'b2'],
      [0, 5, 'b', null],
      [1, 0, 'c', 'c1'],
    ],
    embeddings: [
      [0, 0, 'a', 'a1', 'A1'],
      [0, 1, 'b', 'b1', 'B1'],
      [0, 3, 'a', 'a2', 'A2'],
      [0, 4, 'b', null, null],
      [1, 0, 'c', 'c1', 'C1'],
    ],
    ledger: [
      [0, 0, 'a', 'a1', 'EMBEDDED'],
      [0, 1, 'b', 'b1', 'EMBEDDED'],
      [0, 2, 'poison-1', 'ff', 'DEAD_LETTERED'],
      [0, 4, 'a', 'a2', 'EMBEDDED'],
      [0, 5, 'b', null, null],
      [1, 0, 'c', 'c1', 'EMBEDDED'],
    ],
    deadLetters: [
      [0, 0, 'faulty:3', 'produce', 'CSV_RAGGED_ROW'],
      [0, 1, 'poison-1', 'process', 'CODEC_CORRUPT'],
    ],
    shards: {
      parquet: {
        rows: [
          [0, 0, 'a', 'a1', 'A1'],
          [0, 1, 'b', 'b1', 'B1'],
          [0, 3, 'a', 'a2', 'A2'],
          [1, 0, 'c', 'c1', 'C1'],
        ],
        deletions: [[0, 4, 'b']],
      },
    },
  };
}

it('finds nothing where everything is there once', () => {
  expect(compare(counted(), EXPECTED)).toEqual({ records: 7, embeddings: 5, live: 2, deadLetters: 2, superseded: 1 });
});

it.each<[string, RegExp, (counted: Mutable<Counted>) => void]>([
  ['a record that is lost', /c was published as \[\]/, (all) => all.records.pop()],
  ['a record that is double', /c was published as \[c1, c1\]/, (all) => all.records.push([1, 1, 'c', 'c1'])],
  ['a record of nobody', /records has d/, (all) => all.records.push([1, 1, 'd', 'd1'])],
  [
    'a second embedding of the same text',
    /c was embedded as \[c1, c1\]/,
    ({ embeddings, ledger }) => {
      embeddings.push([1, 1, 'c', 'c1', 'C1']);
      ledger.push([1, 1, 'c', 'c1', 'EMBEDDED']);
    },
  ],
  ['an embedding of an old text', /a was embedded as \[a1\]/, (all) => all.embeddings.splice(2, 1)],
  ['a deletion that never came', /b was embedded as \[b1\]/, (all) => all.embeddings.splice(3, 1)],
  ['an embedding without its ledger entry', /c is in the ledger as \[\]/, (all) => all.ledger.pop()],
  ['a lost dead letter', /process poison-1 is missing/, (all) => all.deadLetters.pop()],
  [
    'a double dead letter',
    /produce faulty:3 is there too often/,
    (all) => all.deadLetters.push([1, 0, 'faulty:3', 'produce', 'CSV_RAGGED_ROW']),
  ],
  ['a row that no shard has', /parquet shards: 1,0,c,c1,C1 is missing/, (all) => all.shards['parquet']!.rows.pop()],
  [
    'a row that two shards have',
    /parquet shards: 1,0,c,c1,C1 is there too often/,
    (all) => all.shards['parquet']!.rows.push([1, 0, 'c', 'c1', 'C1']),
  ],
  [
    'a vector that is another one',
    /parquet shards: 0,0,a,a1,XX is there too often/,
    (all) => (all.shards['parquet']!.rows[0] = [0, 0, 'a', 'a1', 'XX']),
  ],
  [
    'a deletion that no shard has',
    /deletions of parquet shards: 0@4 b is missing/,
    (all) => all.shards['parquet']!.deletions.pop(),
  ],
])('names %s', (_, message, break_) => {
  const all = counted();
  break_(all);
  expect(() => compare(all, EXPECTED)).toThrow(message);
});

type Mutable<Value> = Value extends readonly unknown[]
  ? { -readonly [Index in keyof Value]: Mutable<Value[Index]> }
  : Value extends object
    ? { -readonly [Key in keyof Value]: Mutable<Value[Key]> }
    : Value;
