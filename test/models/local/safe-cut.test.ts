import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boundariesFor, safeCut } from '../../../src/models/local/safe-cut.ts';
import { TextTokenizer } from '../../../src/models/local/text-tokenizer.ts';
import { tinyBert } from '../model-folders.ts';

describe('safeCut', () => {
  const boundaries = boundariesFor(['[CLS]', '<a!b>']);

  it('cuts behind a boundary that a letter or digit follows', () => {
    expect(safeCut('one two', 1, boundaries)).toBe(4);
    expect(safeCut('one  2', 4, boundaries)).toBe(5);
    expect(safeCut('a,b', 1, boundaries)).toBe(2);
  });

  it('finds none in a word, before a combining mark, or at a character of an added token', () => {
    expect(safeCut('oneword', 1, boundaries)).toBe(7);
    expect(safeCut('a \u0301b', 1, boundaries)).toBe(4);
    expect(safeCut('a!b', 1, boundaries)).toBe(3);
  });

  it('never changes the tokens before the cut', () => {
    const tokenizer = new TextTokenizer({
      tokenizerPath: join(tinyBert, 'tokenizer.json'),
      tokenizerConfigPath: join(tinyBert, 'tokenizer_config.json'),
      maxTokens: 1_000_000,
      lowerCase: false,
    });
    const unit = fc.oneof(
      fc.constantFrom(
        'about',
        'Σ',
        'ς',
        "'",
        '.',
        ' ',
        '!',
        'A',
        'b',
        '\u0301',
        'é',
        '漢',
        '[CLS]',
        '\u0000',
        '\ud83d',
        '1',
        '\u200b',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    );
    const words = fc.array(unit, { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(words, fc.nat(60), (text, from) => {
        const cut = safeCut(text, from, boundariesFor(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']));
        const whole = tokenizer.tokenise(text).ids;
        const before = tokenizer.tokenise(text.slice(0, cut)).ids.slice(0, -1);
        expect(whole.slice(0, before.length)).toEqual(before);
      }),
      { numRuns: 2000 },
    );
  });
});
