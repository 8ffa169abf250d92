import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogEntries } from '../../../src/models/catalog/entries.ts';
import { TextTokenizer } from '../../../src/models/local/text-tokenizer.ts';
import { modelFolder, tinyBert } from '../model-folders.ts';

const [minilm] = catalogEntries;
const folder = minilm!.weights.runtime === 'onnx' ? minilm!.weights.folder : '';
const CLS = 101;
const SEP = 102;

function tokenizerIn(path: string, maxTokens: number, config = 'tokenizer_config.json'): TextTokenizer {
  return new TextTokenizer({
    tokenizerPath: join(path, 'tokenizer.json'),
    tokenizerConfigPath: join(path, config),
    maxTokens,
    lowerCase: false,
  });
}

describe('TextTokenizer', () => {
  const tokenizer = tokenizerIn(folder, 256);

  it('gives an empty text its special tokens', () => {
    for (const text of ['', ' ', '\u0000', '\ud800']) {
      expect(tokenizer.tokenise(text)).toEqual({ ids: [CLS, SEP], truncated: false });
    }
  });

  it("keeps the final [SEP] when it truncates, at the catalogue's length and not tokenizer.json's 128", () => {
    for (const words of [200, 253, 254, 255, 300, 5000]) {
      const { ids, truncated } = tokenizer.tokenise('word '.repeat(words));
      expect(ids.length).toBe(Math.min(words + 2, 256));
      expect(ids[0]).toBe(CLS);
      expect(ids.at(-1)).toBe(SEP);
      expect(truncated).toBe(words > 254);
    }
  });

  it('gives a long text the tokens that its whole has', () => {
    const all = tokenizerIn(folder, 1_000_000);
    const sentence = "ΑΣ'Α naïve [SEP] words; 1750-1760, e\u0301tude! 漢字 unaffordability ";
    for (const text of [
      sentence.repeat(300),
      `${'x'.repeat(9000)} ${sentence.repeat(300)}`,
      ' '.repeat(20_000) + sentence,
    ]) {
      const whole = all.tokenise(text).ids.slice(0, -1);
      const { ids, truncated } = tokenizer.tokenise(text);
      expect(truncated).toBe(whole.length > 255);
      expect(ids).toEqual([...whole.slice(0, 255), SEP]);
    }
  });

  it('takes a text of 1 MB of anything without taking seconds', () => {
    for (const unit of ['word ', 'a', '!', '漢', '\u0301', 'é', '\u0000', ' ', '\ud83d', "Σ'"]) {
      const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
      const start = process.cpuUsage();
      const { ids } = tokenizer.tokenise(text);
      // of the processor, which others may be using, too
      expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000);
      expect(ids.length).toBeLessThanOrEqual(256);
    }
  });

  it('does without tokenizer_config.json, and refuses one that is broken', async () => {
    expect(tokenizerIn(tinyBert, 16, 'nowhere.json').tokenise('the').ids.length).toBe(3);
    await using copy = await modelFolder();
    await writeFile(join(copy.path, 'tokenizer_config.json'), '{');
    expect(() => tokenizerIn(copy.path, 16)).toThrow();
  });
});
