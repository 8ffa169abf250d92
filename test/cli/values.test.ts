import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { FlagSpec } from '../../src/cli/flags.ts';
import { checkValue, convertJson, convertText, splitList } from '../../src/cli/values.ts';

const flag = (type: FlagSpec['type'], more: object = {}): FlagSpec => ({ type, description: 'd', ...more });

describe('convertText', () => {
  it.each([
    ['number', '10', 10],
    ['number', '1_000_000', 1_000_000],
    ['number', '-2.5e3', -2500],
    ['bytes', '1024', 1024],
    ['bytes', '64MiB', 64 * 1024 * 1024],
    ['bytes', '64m', 64 * 1024 * 1024],
    ['bytes', '1.5 GB', 1_500_000_000],
    ['boolean', 'true', true],
    ['boolean', 'No', false],
    ['boolean', '0', false],
    ['string', ' as it is, ', ' as it is, '],
    ['list', 'a,b , c,', ['a', 'b', 'c']],
  ] as const)('%s from %s', (type, text, value) => {
    expect(convertText(flag(type), text)).toEqual({ value });
  });

  it.each([
    ['number', 'ten'],
    ['number', '0x10'],
    ['number', ''],
    ['bytes', '5 bananas'],
    ['bytes', '-1'],
    ['boolean', 'perhaps'],
  ] as const)('%s refuses "%s" and repeats it', (type, text) => {
    expect(convertText(flag(type), text)).toEqual({ problem: expect.stringContaining(JSON.stringify(text)) as string });
  });

  it('never repeats a secret', () => {
    expect(JSON.stringify(convertText(flag('number', { secret: true }), 'hunter2'))).not.toContain('hunter2');
  });

  it('leaves commas alone where values may hold them', () => {
    expect(convertText(flag('list', { commas: false }), 'Title=a, b')).toEqual({ value: ['Title=a, b'] });
  });
});

describe('splitList', () => {
  it('reads \\, as a comma', () => {
    expect(splitList('a\\,b,c')).toEqual(['a,b', 'c']);
    expect(splitList('x/*.{jpg,{png\\,,gif}},b')).toEqual(['x/*.{jpg,{png,,gif}}', 'b']);
    expect(splitList('a{,b')).toEqual(['a{', 'b']);
    expect(splitList('a},{b')).toEqual(['a}', '{b']);
  });
});

describe('convertJson', () => {
  it.each([
    ['number', 3, 3],
    ['boolean', true, true],
    ['bytes', '1KiB', 1024],
    ['bytes', 7, 7],
    ['list', 'one', ['one']],
    ['list', ['a', 'b'], ['a', 'b']],
    ['string', 's', 's'],
  ] as const)('%s from %j', (type, json, value) => {
    expect(convertJson(flag(type), json)).toEqual({ value });
  });

  it.each([
    ['number', '3'],
    ['boolean', 'true'],
    ['list', [1]],
    ['string', 5],
    ['bytes', null],
  ] as const)('%s refuses %j', (type, json) => {
    expect(convertJson(flag(type), json)).toHaveProperty('problem');
  });
});

describe('checkValue', () => {
  it('names the nearest choice, for each wrong one of a list', () => {
    const spec = flag('list', { choices: ['parquet', 'npy'] });
    expect(checkValue(spec, ['parquet', 'parqet', 'nyp'])).toEqual({
      problems: [
        `can't be "parqet"; it is one of parquet, npy. Did you mean parquet?`,
        `can't be "nyp"; it is one of parquet, npy. Did you mean npy?`,
      ],
    });
  });

  it('hands over what the schema makes of it', () => {
    expect(checkValue(flag('string', { schema: z.string().transform((text) => text.length) }), 'four')).toEqual({
      value: 4,
    });
  });

  it('says what the schema says, with the value', () => {
    expect(checkValue(flag('number', { schema: z.number().min(1, 'must be at least 1') }), 0)).toEqual({
      problems: ['must be at least 1 (it is 0)'],
    });
  });
});
