import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEmbedder } from '../../../../src/models/create-embedder.ts';
import { tinySiglip } from '../../model-folders.ts';
import { cosine, rowOf } from '../../vectors.ts';

interface Query {
  readonly text: string;
  readonly vector: readonly number[];
}

it("embeds queries as SigLIP's text tower does: padded to their full length, without a mask", async () => {
  const queries = JSON.parse(await readFile(join(tinySiglip, 'queries.json'), 'utf8')) as Query[];
  const embedder = await createEmbedder({ model: tinySiglip, workers: 1 });
  try {
    expect(embedder.info).toMatchObject({ kinds: ['image'], queryKinds: ['image', 'text'], dimension: 32 });
    const { vectors, truncated, faults } = await embedder.embed(queries, { as: 'query' });
    expect(faults.size).toBe(0);
    expect([truncated[2], truncated[4]]).toEqual([0, 1]); // nothing, and forty words
    queries.forEach(({ text, vector }, i) => {
      expect(cosine(rowOf(vectors, i, 32), Float32Array.from(vector)), text).toBeGreaterThan(0.9999);
    });
  } finally {
    await embedder.close();
  }
});
