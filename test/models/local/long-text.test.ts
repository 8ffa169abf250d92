import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { describeModel } from '../../../src/models/describe-model.ts';
import { TextTokenizer } from '../../../src/models/local/text-tokenizer.ts';
import { WindowMean } from '../../../src/models/local/window-mean.ts';
import type { Embedder } from '../../../src/models/port.ts';
import { tinyBert } from '../model-folders.ts';
import { cosine, rowOf } from '../vectors.ts';

const SHORT = 16;
const CONTENT = SHORT - 2;
const words = ['the', 'bronze', 'museum', 'king', 'river', 'old', 'portrait', 'of', 'a', 'city'];
const wordsFrom = (count: number, start = 0) =>
  Array.from({ length: count }, (_, i) => words[(start + i * 3) % 10]).join(' ');
const asInputs = (...texts: string[]) => texts.map((text) => ({ text }));
const spec = (longText: string) => `${tinyBert}?max-tokens=${SHORT}&long-text=${longText}`;

function tokenizer(maxTokens = SHORT): TextTokenizer {
  return new TextTokenizer({
    tokenizerPath: join(tinyBert, 'tokenizer.json'),
    tokenizerConfigPath: join(tinyBert, 'tokenizer_config.json'),
    maxTokens,
    lowerCase: false,
  });
}

describe('windows of a long text', () => {
  it('hold all of its tokens once, each with special tokens of its own', () => {
    const text = wordsFrom(50);
    const whole = tokenizer(1000).tokenise(text).ids;
    const windows = tokenizer().windows(text, '');
    expect(windows.map(({ ids }) => ids.length)).toEqual([16, 16, 16, 10]);
    expect(windows.map(({ weight }) => weight)).toEqual([14, 14, 14, 8]);
    for (const { ids } of windows) expect([ids[0], ids.at(-1)]).toEqual([whole[0], whole.at(-1)]);
    expect(windows.flatMap(({ ids }) => ids.slice(1, -1))).toEqual(whole.slice(1, -1));
  });

  it('begin with the prefix, which counts for nothing', () => {
    const prefix = 'the old ';
    const windows = tokenizer().windows(prefix + wordsFrom(30), prefix);
    const [the, old] = tokenizer().tokenise('the old').ids.slice(1);
    for (const { ids } of windows) expect(ids.slice(1, 3)).toEqual([the, old]);
    expect(windows.map(({ weight }) => weight)).toEqual([12, 12, 6]);
  });

  it('do without a prefix that would take more than half of each', () => {
    const prefix = `${wordsFrom(9)} `;
    const [first, second] = tokenizer().windows(prefix + wordsFrom(30), prefix);
    expect(first?.weight).toBe(CONTENT);
    expect(second?.weight).toBe(CONTENT);
  });

  it('are counted as one text', () => {
    expect(tokenizer().count(wordsFrom(50))).toBe(52);
  });
});

describe('the mean of windows', () => {
  it('is weighted, and of length 1 where the model’s vectors are', () => {
    const mean = new WindowMean(2, 2, true);
    expect(mean.add(Float32Array.of(1, 0), 3)).toBeUndefined();
    expect([...(mean.add(Float32Array.of(0, 1), 4) ?? [])]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    const plain = new WindowMean(2, 2, false);
    plain.add(Float32Array.of(7, 0), 3);
    expect([...(plain.add(Float32Array.of(0, 7), 4) ?? [])]).toEqual([3, 4]);
  });
});

describe('long texts', () => {
  const embedders: Embedder[] = [];
  let truncate: Embedder;
  let mean: Embedder;
  let refuse: Embedder;
  beforeAll(async () => {
    for (const longText of ['truncate', 'chunk-mean', 'refuse'])
      embedders.push(await createEmbedder({ model: spec(longText), workers: 1 }));
    [truncate, mean, refuse] = embedders as [Embedder, Embedder, Embedder];
  });
  afterAll(() => Promise.all(embedders.map((embedder) => embedder.close())));

  it('are cut by default, and counted', async () => {
    const { truncated, tokenCounts } = await truncate.embed(asInputs(wordsFrom(50), wordsFrom(5)));
    expect([...truncated]).toEqual([1, 0]);
    expect([...tokenCounts]).toEqual([16, 7]);
  });

  it('become the mean of their windows, weighted by tokens', async () => {
    const windows = [wordsFrom(14), wordsFrom(14, 14 * 3), wordsFrom(14, 28 * 3), wordsFrom(8, 42 * 3)];
    const text = windows.join(' ');
    const { vectors, truncated, tokenCounts, faults } = await mean.embed(asInputs(wordsFrom(5), text, text));
    expect(faults.size).toBe(0);
    expect([...truncated]).toEqual([0, 0, 0]);
    expect([...tokenCounts]).toEqual([7, 58, 58]);
    const parts = await truncate.embed(asInputs(...windows));
    const expected = new Float32Array(32);
    windows.forEach((_, i) => {
      rowOf(parts.vectors, i, 32).forEach((value, k) => (expected[k]! += value * [14, 14, 14, 8][i]!));
    });
    const vector = rowOf(vectors, 1, 32);
    expect(cosine(vector, expected)).toBeGreaterThan(0.99999);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(vector).toEqual(rowOf(vectors, 2, 32));
    const short = await truncate.embed(asInputs(wordsFrom(5)));
    expect(cosine(rowOf(vectors, 0, 32), short.vectors)).toBeGreaterThan(0.99999);
  });

  it('tell what comes behind the cut, as truncated ones don’t', async () => {
    const same = wordsFrom(14);
    const [first, second] = [`${same} ${wordsFrom(30, 1)}`, `${same} ${'king '.repeat(30)}`];
    const cut = await truncate.embed(asInputs(first, second));
    const whole = await mean.embed(asInputs(first, second));
    expect(cosine(rowOf(cut.vectors, 0, 32), rowOf(cut.vectors, 1, 32))).toBeGreaterThan(0.99999);
    expect(cosine(rowOf(whole.vectors, 0, 32), rowOf(whole.vectors, 1, 32))).toBeLessThan(0.999);
  });

  it('are refused with their length', async () => {
    const { faults, vectors } = await refuse.embed(asInputs(wordsFrom(50), wordsFrom(5)));
    expect([...faults.keys()]).toEqual([0]);
    expect(faults.get(0)).toMatchObject({ code: 'INPUT_TOO_LONG', poison: true });
    expect(faults.get(0)?.message).toContain('it has 52 tokens, and the model reads 16 (--long-text=truncate');
    expect(Math.hypot(...rowOf(vectors, 1, 32))).toBeCloseTo(1, 5);
  });

  it('move the fingerprint, but for the default', async () => {
    const prints = await Promise.all(
      [`${tinyBert}?max-tokens=${SHORT}`, spec('truncate'), spec('chunk-mean'), spec('refuse')].map(
        async (model) => (await describeModel(model)).fingerprint,
      ),
    );
    expect(prints[0]).toBe(prints[1]);
    expect(new Set(prints).size).toBe(3);
  });

  it('are for models of text whose files are here', async () => {
    await expect(describeModel('hashed-384?long-text=refuse')).rejects.toThrow(
      /--long-text can't be set for hashed-384/,
    );
    await expect(describeModel(`${tinyBert}?long-text=split`)).rejects.toThrow(/truncate, chunk-mean, refuse/);
  });
});
