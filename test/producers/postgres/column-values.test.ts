import { expect, it } from 'vitest';
import { parseArrayText } from '../../../src/producers/postgres/array-text.ts';
import { type ValueKind, valueOf } from '../../../src/producers/postgres/column-values.ts';
import { exactText } from '../../../src/record/exact-json.ts';

it.each<[string, unknown]>([
  ['{}', []],
  ['{a,b}', ['a', 'b']],
  ['{NULL,"NULL",null}', [null, 'NULL', 'null']],
  ['{"b, c","say \\"hi\\"","back\\\\slash",""}', ['b, c', 'say "hi"', 'back\\slash', '']],
  [
    '{{1,2},{3,NULL}}',
    [
      ['1', '2'],
      ['3', null],
    ],
  ],
  ['[0:1]={a,b}', ['a', 'b']],
  ['1 2 3', undefined],
  ['{a', undefined],
])('reads the array %s', (text, expected) => {
  expect(parseArrayText(text)).toEqual(expected);
});

it.each<[ValueKind, string, unknown]>([
  ['boolean', 't', true],
  ['boolean', 'f', false],
  ['whole', '-42', -42],
  ['float', '1e+300', 1e300],
  ['float', 'NaN', 'NaN'],
  ['float', '-Infinity', '-Infinity'],
  ['numeric', '12', 12],
  ['numeric', '0.1234567890123456', '0.1234567890123456'],
  ['numeric', 'NaN', 'NaN'],
  ['timestamp', '2024-01-02 03:04:05.678', '2024-01-02T03:04:05.678'],
  ['timestamptz', '2024-01-02 03:04:05.678901+00', '2024-01-02T03:04:05.678901Z'],
  ['timestamptz', 'infinity', 'infinity'],
  ['json', '{"a": [1, "b"]}', { a: [1, 'b'] }],
  ['padded', 'ab  ', 'ab'],
  ['text', ' as it is ', ' as it is '],
])('reads %s %s', (kind, text, expected) => {
  expect(valueOf(text, { kind, isArray: false })).toEqual(expected);
});

it.each<[ValueKind, string]>([
  ['whole', '9007199254740993'],
  ['whole', '-9223372036854775808'],
  ['numeric', '123456789012345678901234567890'],
  ['numeric', '12.50'],
  ['numeric', '-0.000000000000123456789012345'],
])('keeps the digits of %s %s', (kind, text) => {
  expect(exactText(valueOf(text, { kind, isArray: false }))).toBe(text);
});

it('reads entries of arrays as values, and NULL as null', () => {
  expect(valueOf('{1,NULL,3}', { kind: 'whole', isArray: true })).toEqual([1, null, 3]);
  expect(valueOf('{{t},{f}}', { kind: 'boolean', isArray: true })).toEqual([[true], [false]]);
  expect(valueOf(null, { kind: 'whole', isArray: true })).toBeNull();
});
