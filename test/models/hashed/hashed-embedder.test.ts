import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { cosine, rowOf } from '../vectors.ts';

describe('hashed-384', () => {
  it('gives each text a vector of length 1 that is its own and always the same', async () => {
    const embedder = await createEmbedder({ model: 'hashed-384' });
    const texts = Array.from({ length: 2000 }, (_, i) => `text ${String(i)}`);
    const { vectors, faults } = await embedder.embed(texts.map((text) => ({ text })));
    const { vectors: reversed } = await embedder.embed(texts.toReversed().map((text) => ({ text })));
    expect(faults.size).toBe(0);
    const heads = new Set<string>();
    texts.forEach((_, i) => {
      const row = rowOf(vectors, i, 384);
      expect(Math.abs(Math.hypot(...row) - 1)).toBeLessThan(1e-5);
      expect(rowOf(reversed, texts.length - 1 - i, 384)).toEqual(row);
      heads.add(row.subarray(0, 8).join());
    });
    expect(heads.size).toBe(texts.length);
    expect(Math.abs(cosine(rowOf(vectors, 0, 384), rowOf(vectors, 1, 384)))).toBeLessThan(0.3);
  });

  it('tells apart texts that differ in one place, and takes any string', async () => {
    const embedder = await createEmbedder({ model: 'hashed-384' });
    const texts = ['', ' ', 'a', 'b', 'ab', 'ba', '\u0000', '\ud800', 'x'.repeat(100_000), `${'x'.repeat(99_999)}y`];
    const { vectors } = await embedder.embed(texts.map((text) => ({ text })));
    const rows = texts.map((_, i) => rowOf(vectors, i, 384).join());
    expect(new Set(rows).size).toBe(texts.length);
  });

  it('faults an input without text', async () => {
    const embedder = await createEmbedder({ model: 'hashed-384' });
    const { faults, vectors } = await embedder.embed([{ image: { mime: 'image/png', bytes: new Uint8Array() } }]);
    expect(faults.get(0)).toMatchObject({ code: 'INPUT_NOT_READABLE', poison: true });
    expect(vectors.every((value) => value === 0)).toBe(true);
  });
});
