import { sharedMaterial } from '../../shared-material.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL } from '../../../src/models/catalog/default-model.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import type { Embedder } from '../../../src/models/port.ts';
import { parityFolder } from '../model-folders.ts';
import { leastCosine, readFloat32Npy, rowOf } from '../vectors.ts';

const sharedParity = sharedMaterial('data/parity');

describe(DEFAULT_MODEL, () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = await createEmbedder({ model: DEFAULT_MODEL });
  });
  afterAll(() => embedder.close());

  async function embedTexts(folder: string) {
    const texts = JSON.parse(await readFile(join(folder, 'texts.json'), 'utf8')) as string[];
    const reference = await readFloat32Npy(join(folder, 'sentence-transformers-256.npy'));
    expect(reference.length).toBe(texts.length * 384);
    return { texts, reference, result: await embedder.embed(texts.map((text) => ({ text }))) };
  }

  it('agrees with sentence-transformers in fp32 on our 40 texts', async () => {
    const { reference, result } = await embedTexts(parityFolder);
    expect(result.faults.size).toBe(0);
    expect(leastCosine(result.vectors, reference, 384)).toBeGreaterThanOrEqual(0.999);
  });

  it.skipIf(sharedParity === undefined)('agrees with it on the 200 reference texts', async () => {
    const { reference, result } = await embedTexts(sharedParity ?? '');
    expect(leastCosine(result.vectors, reference, 384)).toBeGreaterThanOrEqual(0.999);
  });

  it('does not depend on batching', async () => {
    const { texts, result } = await embedTexts(parityFolder);
    const unlike = await createEmbedder({ model: DEFAULT_MODEL, workers: 1, batchTokens: 2048 });
    const inOne = await unlike.embed([...texts, ...texts.map((text) => `${text} again`)].map((text) => ({ text })));
    await unlike.close();
    const alone = await Promise.all(texts.map((text) => embedder.embed([{ text }])));
    expect(leastCosine(result.vectors, inOne.vectors.slice(0, result.vectors.length), 384)).toBeGreaterThan(0.99999);
    alone.forEach(({ vectors }, i) => {
      expect(leastCosine(vectors, rowOf(result.vectors, i, 384), 384)).toBeGreaterThan(0.99999);
    });
  });

  it('reads 256 tokens', async () => {
    const { tokenCounts, truncated } = await embedder.embed(
      [254, 255].map((words) => ({ text: 'word '.repeat(words) })),
    );
    expect([...tokenCounts]).toEqual([256, 256]);
    expect([...truncated]).toEqual([0, 1]);
  });
});
