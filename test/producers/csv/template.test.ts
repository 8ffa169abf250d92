import { describe, expect, test } from 'vitest';
import { formatTemplate, parseTemplate, TextTemplate } from '../../../src/producers/csv/template.ts';

const NAMES = ['A', 'B', 'C'];
const resolve = (name: string): number => NAMES.indexOf(name);

function render(template: string, ...values: string[]): string {
  return new TextTemplate(parseTemplate(template, resolve)).render(values);
}

describe('an empty value vanishes with what belongs to it', () => {
  test.each([
    ['{A}. {B}. {C}', ['a', 'b', 'c'], 'a. b. c'],
    ['{A}. {B}. {C}', ['a', '', 'c'], 'a. c'],
    ['{A}. {B}. {C}', ['', 'b', ''], 'b'],
    ['{A}. {B}. {C}', ['', '', ''], ''],
    ['{A}. {B}. {C}.', ['a', '', ''], 'a.'],
    ['{A}. {B}', ['a.', 'b'], 'a. b'],
    ['{A}. {B}', ['Why?', 'b'], 'Why? b'],
    ['{A}, {B}.', ['a', 'b.'], 'a, b.'],
    ['{A} ({B}), {C}', ['a', 'b', 'c'], 'a (b), c'],
    ['{A} ({B}), {C}', ['a', '', 'c'], 'a, c'],
    ['{A} ({B}), {C}', ['', 'b', ''], '(b)'],
    ['{A} ({B}).', ['a', '', ''], 'a.'],
    ['Title: {A}. Medium: {B}. By: {C}', ['a', '', 'c'], 'Title: a. By: c'],
    ['Title: {A}. Medium: {B}. By: {C}', ['', 'b', ''], 'Medium: b'],
    ['{A} by {B}', ['a', 'b'], 'a by b'],
    ['{A} by {B}', ['a', ''], 'a'],
    ['{A} by {B}', ['', 'b'], 'b'],
    ['{A}, {B} cm', ['a', '5'], 'a, 5 cm'],
    ['{A}, {B} cm', ['a', ''], 'a'],
    ['“{A}” {B}', ['', 'b'], 'b'],
    ['{A}{B}', ['a', 'b'], 'ab'],
    ['{A}\n{B}', ['a', 'b'], 'a\nb'],
  ])('%s of %j', (template, values, text) => {
    expect(render(template, ...values)).toBe(text);
  });
});

test('double braces are braces', () => {
  expect(render('{{{A}}} {{B}}', 'a')).toBe('{a} {B}');
  expect(() => parseTemplate('{A', resolve)).toThrow(/without }/);
});

test('a template is written as it was read', () => {
  const template = 'Title: {A}. {{x}} {B}';
  expect(formatTemplate(parseTemplate(template, resolve), NAMES)).toBe(template);
});

test('repeats are dropped and lists written with commas when asked for', () => {
  const tokens = parseTemplate('{A}. {B}. {C}', resolve);
  const template = new TextTemplate(tokens, { dropRepeats: true, lists: new Set([1]) });
  expect(template.render(['Bowl', 'bowl', 'c'])).toBe('Bowl. c');
  expect(template.render(['Bowl', ' | ', 'c'])).toBe('Bowl. c');
  expect(template.render(['Bowl', 'x|y| x', 'c'])).toBe('Bowl. x, y. c');
});
