import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PrecompiledCharsmap } from '../../../src/models/local/precompiled-charsmap.ts';
import { families } from '../model-folders.ts';

interface Description {
  readonly normalizer: { readonly normalizers: readonly { readonly precompiled_charsmap?: string }[] };
}

const tokenizer = JSON.parse(readFileSync(join(families, 'xlm-roberta', 'tokenizer.json'), 'utf8')) as Description;
const charsmap = new PrecompiledCharsmap(tokenizer.normalizer.normalizers[0]!.precompiled_charsmap!);

describe('PrecompiledCharsmap', () => {
  it.each([
    ['plain ASCII, 3.14!', 'plain ASCII, 3.14!'],
    ['ﬁne', 'fine'],
    ['½ ①', '1⁄2 1'],
    ['ＡＢＣ～', 'ABC~'],
    ['a\u00a0b\u3000c\td', 'a b c d'],
    ['e\u0301te\u0301', 'été'], // a rule for two characters, which are one cluster
    ['x\u0301', 'x\u0301'],
    ['a\u0007b', 'ab'],
    ['👨‍👩‍👧 東京', '👨‍👩‍👧 東京'], // no rule
    ['', ''],
  ])('turns %j into %j', (text, normalised) => {
    expect(charsmap.normalize(text)).toBe(normalised);
  });

  it('refuses what is no charsmap', () => {
    expect(() => new PrecompiledCharsmap('')).toThrow(/broken/);
    expect(() => new PrecompiledCharsmap(Buffer.from([255, 255, 0, 0, 1]).toString('base64'))).toThrow(/broken/);
  });
});
