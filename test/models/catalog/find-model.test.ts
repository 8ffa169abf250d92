import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { DEFAULT_MODEL } from '../../../src/models/catalog/default-model.ts';
import { catalogEntries } from '../../../src/models/catalog/entries.ts';
import { findModel } from '../../../src/models/catalog/find-model.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { describeModel } from '../../../src/models/describe-model.ts';
import { clipImages, modelFolder, tiny384, tinyBert, tinyJinaClip } from '../model-folders.ts';
import { cosine, rowOf } from '../vectors.ts';

describe('findModel', () => {
  it.each(['all-MiniLM-L6-v2', 'sentence-transformers/all-MiniLM-L6-v2', 'minilm', 'ALL-minilm-L6-V2'])(
    'finds the default model as %s',
    async (name) => {
      expect((await findModel(name)).name).toBe(DEFAULT_MODEL);
    },
  );

  it('names the models and the nearest when there is none of that name', async () => {
    await expect(findModel('all-MiniLM-L6')).rejects.toThrow(
      /no model "all-MiniLM-L6".*Did you mean all-MiniLM-L6-v2\?.*hashed-384/s,
    );
    await expect(findModel('hashd-384')).rejects.toThrow(/Did you mean hashed-384\?/);
    await expect(findModel('zzzzzzzzzzzzzzz')).rejects.toThrow(/^(?!.*Did you mean).*Models: /s);
    await expect(findModel('')).rejects.toBeInstanceOf(UsageError);
    await expect(findModel('minilm,hashed-384')).rejects.toThrow('takes one');
  });

  it('reads a folder: its name, dimension and length', async () => {
    const entry = await findModel(tinyBert);
    expect(entry).toMatchObject({ name: 'tiny-bert', dimension: 32, maxTokens: 128, pooling: 'mean', kinds: ['text'] });
  });

  it("reads a folder's own length and pooling", async () => {
    await using folder = await modelFolder();
    await writeFile(join(folder.path, 'sentence_bert_config.json'), '{"max_seq_length": 64}');
    await mkdir(join(folder.path, '1_Pooling'));
    await writeFile(
      join(folder.path, '1_Pooling', 'config.json'),
      '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}',
    );
    expect(await findModel(folder.path)).toMatchObject({ maxTokens: 64, pooling: 'cls' });
  });

  it('says which file a folder lacks', async () => {
    await using folder = await modelFolder();
    await rm(join(folder.path, 'onnx', 'model.onnx'));
    await expect(findModel(folder.path)).rejects.toThrow(/has no onnx\/model\.onnx/);
    await expect(findModel('./there-is-no-such-folder')).rejects.toBeInstanceOf(UsageError);
  });

  it("says what is wrong with a folder's config.json", async () => {
    await using folder = await modelFolder();
    await writeFile(join(folder.path, 'config.json'), '{"hidden_size": "many"}');
    await expect(findModel(folder.path)).rejects.toThrow(/config\.json.*hidden_size/s);
  });
});

describe('settings of the user', () => {
  it('cut vectors where the model allows it, under a name that tells', async () => {
    for (const model of ['nomic-embed-text-v1.5-256', 'NOMIC-ai/nomic-embed-text-v1.5?dimensions=256'])
      expect(await findModel(model)).toMatchObject({ name: 'nomic-embed-text-v1.5-256', dimension: 256 });
    expect(await findModel('nomic-embed-text-v1.5?dimensions=768')).toMatchObject({ name: 'nomic-embed-text-v1.5' });
    expect(await findModel('voyage-3.5?dimensions=2048')).toMatchObject({ name: 'voyage-3.5-2048', dimension: 2048 });
    expect(await findModel('text-embedding-3-small-700')).toMatchObject({ dimension: 700 });
  });

  it.each([
    ['nomic-embed-text-v1.5?dimensions=100', /allows 768, 512, 256, 128, 64/],
    ['nomic-embed-text-v1.5-256?dimensions=128', /ask for different lengths/],
    ['all-MiniLM-L6-v2?dimensions=100', /not known to be trained for shorter ones/],
    ['nomic-embed-text-v1.5-100', /no model "nomic-embed-text-v1\.5-100"/],
    ['all-MiniLM-L6-v2?max-tokens=513', /more than the 512 positions/],
    ['all-MiniLM-L6-v2?model-dtype=q8', /no onnx\/model_quantized\.onnx/],
    ['hashed-384?pooling=cls', /--pooling can't be set for hashed-384/],
    ['voyage-3.5?max-tokens=100', /--max-tokens can't be set for voyage-3\.5/],
    ['hf:owner', /must be hf:owner\/name/],
  ])('are refused in %s', async (model, message) => {
    await expect(findModel(model)).rejects.toThrow(message);
    await expect(findModel(model)).rejects.toBeInstanceOf(UsageError);
  });

  it('move the fingerprint, each of them', async () => {
    const folder = tinyJinaClip;
    const texts = ['', '?pooling=cls', '?max-tokens=64', '?normalise=false', '?document-prefix=x'].map(
      (each) => tinyBert + each,
    );
    const images = [folder, `${folder}?dimensions=8`, `${folder}?dimensions=4`];
    const prints = await Promise.all(
      [...texts, ...images].map(async (model) => (await describeModel(model)).fingerprint),
    );
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('leave the fingerprint of the default model what it was', async () => {
    // Another one would embed every record of every user again.
    expect((await describeModel(DEFAULT_MODEL)).fingerprint).toBe(
      '847e1d6006b3f0b038ef8ef1dbbdd48acb2114e4c0497f28172b5b461cbb662d',
    );
  });
});

describe('a folder by the name of a model', () => {
  it('has the facts of the catalogue and weights of its own', async () => {
    expect(await findModel(`${tiny384}?as=bge-small-en-v1.5`)).toMatchObject({
      name: 'bge-small-en-v1.5',
      pooling: 'cls',
      prefixes: { query: 'Represent this sentence for searching relevant passages: ' },
      weights: { runtime: 'onnx', folder: tiny384 },
    });
    await expect(findModel(`${tinyBert}?as=bge-small-en-v1.5`)).rejects.toThrow(/holds a model of 32 dimensions.*384/);
  });

  it('is refused under another name of it, by which nothing on the log would be found', async () => {
    await using folder = await modelFolder();
    const path = join(folder.path, '..', 'MiniLM');
    await cp(folder.path, path, { recursive: true });
    await expect(findModel(path)).rejects.toThrow(/goes by the name "MiniLM".*\?as=all-MiniLM-L6-v2'.*\?as=my-MiniLM'/);
    expect((await findModel(`${path}?as=my-MiniLM`)).name).toBe('my-MiniLM');
  });
});

describe('a model of texts and images in one graph', () => {
  it('puts before a query what its config.json, or the catalogue, says', async () => {
    const query = 'Represent the query for retrieving evidence documents: ';
    expect((await findModel('jina-clip-v2')).prefixes).toEqual({ document: '', query });
    await using folder = await modelFolder();
    await cp(tinyJinaClip, folder.path, { recursive: true, force: true });
    const path = join(folder.path, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as object;
    const kwargs = { task_instructions: { 'retrieval.query': query } };
    await writeFile(path, JSON.stringify({ ...config, text_config: { hf_model_config_kwargs: kwargs } }));
    const embedder = await createEmbedder({ model: folder.path, workers: 1 });
    try {
      const asQuery = await embedder.embed([{ text: 'a red chair' }], { as: 'query' });
      const prefixed = await embedder.embed([{ text: `${query}a red chair` }]);
      const plain = await embedder.embed([{ text: 'a red chair' }]);
      expect(cosine(asQuery.vectors, prefixed.vectors)).toBeCloseTo(1, 5);
      expect(cosine(asQuery.vectors, plain.vectors)).toBeLessThan(0.9999);
    } finally {
      await embedder.close();
    }
  });

  it('embeds both, and cuts both', async () => {
    const image = new Uint8Array(await readFile(join(clipImages, 'exact.png')));
    const inputs = [{ text: 'a red chair' }, { image: { mime: 'image/png', bytes: image } }];
    const whole = await createEmbedder({ model: tinyJinaClip, workers: 1 });
    const cut = await createEmbedder({ model: `${tinyJinaClip}?dimensions=4`, workers: 1 });
    try {
      expect(whole.info).toMatchObject({ kinds: ['text', 'image'], dimension: 16 });
      expect(cut.info).toMatchObject({ name: 'tiny-jina-clip-4', dimension: 4 });
      const { vectors, faults } = await whole.embed(inputs);
      expect(faults.size).toBe(0);
      const shorter = (await cut.embed(inputs)).vectors;
      for (const row of [0, 1]) {
        expect(Math.hypot(...rowOf(shorter, row, 4))).toBeCloseTo(1, 5);
        expect(cosine(rowOf(shorter, row, 4), rowOf(vectors, row, 16).slice(0, 4))).toBeCloseTo(1, 5);
      }
    } finally {
      await Promise.all([whole.close(), cut.close()]);
    }
  });
});

describe('catalogEntries', () => {
  it.each([
    ['jina_clip_v2', 'jina-clip-v2'],
    ['voyage_multimodal_3', 'voyage-multimodal-3'],
    ['cohere_embed_4', 'cohere-embed-v4'],
    ['google_vertex_multimodal', 'google-multimodalembedding'],
  ])('knows %s by its old name', async (alias, name) => {
    expect((await findModel(alias)).name).toBe(name);
  });

  it('states where each fact is from', () => {
    for (const { name, sources, matryoshka, weights } of catalogEntries) {
      if (weights.runtime === 'hashed') continue;
      expect(Object.keys(sources), name).toEqual(expect.arrayContaining(['dimension', 'maxTokens', 'similarity']));
      if (matryoshka !== undefined) expect(sources['dimensions'], name).toMatch(/^https:/);
      for (const source of Object.values(sources)) expect(source, name).toMatch(/^https:\/\//);
    }
  });

  it('allows lengths that fit together', () => {
    for (const { name, dimension, matryoshka } of catalogEntries) {
      if (matryoshka === undefined) continue;
      const { full, shorter } = matryoshka;
      expect([full, ...shorter], name).toEqual([...new Set([full, ...shorter])].sort((a, b) => b - a));
      expect([full, ...shorter], name).toContain(dimension);
    }
  });

  it('has names that no other entry has, fit for a topic', () => {
    const names = catalogEntries.flatMap((entry) => [entry.name, ...entry.aliases]).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    for (const { name } of catalogEntries) expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
  });
});

describe('describeModel', () => {
  it('says without loading a model what its embedder says', async () => {
    for (const model of ['hashed-384', tinyBert]) {
      const embedder = await createEmbedder({ model });
      await embedder.close();
      expect(await describeModel(model)).toEqual(embedder.info);
    }
  });
});
