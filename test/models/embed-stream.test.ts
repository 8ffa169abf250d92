import { describe, expect, it } from 'vitest';
import { embedStream, embedTexts } from '../../src/models/embed-stream.ts';
import { fakeEmbedder, vectorOf } from '../pipeline-fixtures.ts';

const texts = Array.from({ length: 11 }, (_, i) => `text ${i}`);

async function* slowly(items: readonly string[]) {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

describe('embedStream', () => {
  it('answers an array with its vectors in order, and reports progress', async () => {
    const seen: unknown[] = [];
    const vectors = await embedTexts(fakeEmbedder(), texts, { onProgress: (progress) => seen.push(progress) });
    expect(vectors).toEqual(texts.map(vectorOf));
    expect(seen).toEqual([4, 8, 11].map((done) => ({ done, total: 11 })));
  });

  it('takes an async iterable and yields the error of the one input that is at fault', async () => {
    const mixed = [...texts.slice(0, 5), 'poison', ...texts.slice(5)];
    const outcomes = [];
    for await (const outcome of embedStream(fakeEmbedder(), slowly(mixed))) outcomes.push(outcome);
    expect(outcomes.map(({ input }) => input)).toEqual(mixed);
    const faulty = outcomes.filter((outcome) => 'error' in outcome);
    expect(faulty).toMatchObject([{ input: 'poison', error: { code: 'MODEL_INPUT' } }]);
    await expect(embedTexts(fakeEmbedder(), mixed)).rejects.toMatchObject({ code: 'MODEL_INPUT' });
  });

  it('holds no more windows than the model needs, however slow the reader is', async () => {
    const embedder = fakeEmbedder();
    const stream = embedStream(
      embedder,
      Array.from({ length: 100 }, (_, i) => `${i}`),
    );
    await stream.next();
    expect(embedder.calls.length).toBe(3);
    await stream.return();
    expect(embedder.calls.length).toBe(3);
  });

  it('throws what breaks the model', async () => {
    await expect(embedTexts(fakeEmbedder(), [...texts, 'world'])).rejects.toThrow('the model broke');
  });
});
