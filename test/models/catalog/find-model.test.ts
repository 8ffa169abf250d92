import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { DEFAULT_MODEL } from '../../../src/models/catalog/default-model.ts';
import { catalogEntries } from '../../../src/models/catalog/entries.ts';
import { findModel } from '../../../src/models/catalog/find-model.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { describeModel } from '../../../src/models/describe-model.ts';
import { modelFolder, tinyBert } from '../model-folders.ts';

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

describe('catalogEntries', () => {
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
