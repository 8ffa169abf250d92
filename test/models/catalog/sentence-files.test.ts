import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  readSentenceFiles,
  readTokenizerLimit,
  readTransformerConfig,
} from '../../../src/models/catalog/sentence-files.ts';

/** A folder with these files, as JSON; removed when the test has ended. */
async function folderOf(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'embedstream-sentence-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  return folder;
}

const module = (path: string, type: string): object => ({
  idx: 0,
  name: '0',
  path,
  type: `sentence_transformers.models.${type}`,
});
const TRANSFORMER = module('', 'Transformer');

describe('readSentenceFiles', () => {
  it('takes the mean and normalises where nothing is stated, and says that nothing is', async () => {
    expect(await readSentenceFiles(await folderOf({}), undefined)).toEqual({
      pooling: 'mean',
      normalise: true,
      prefixes: { document: '', query: '' },
      similarity: 'cosine',
      lowerCase: false,
      sources: { pooling: 'not stated', normalise: 'not stated' },
    });
  });

  it('reads everything, wherever modules.json says the pooling is', async () => {
    const folder = await folderOf({
      'modules.json': [TRANSFORMER, module('pool', 'Pooling')],
      'pool/config.json': {
        word_embedding_dimension: 8,
        pooling_mode_cls_token: true,
        pooling_mode_mean_tokens: false,
      },
      'sentence_bert_config.json': { max_seq_length: 77, do_lower_case: true },
      'config_sentence_transformers.json': { prompts: { query: 'q: ', passage: 'p: ' }, similarity_fn_name: 'dot' },
    });
    expect(await readSentenceFiles(folder, undefined)).toMatchObject({
      pooling: 'cls',
      normalise: false,
      prefixes: { document: 'p: ', query: 'q: ' },
      similarity: 'dot',
      maxTokens: 77,
      dimension: 8,
      lowerCase: true,
      sources: { pooling: join(folder, 'pool/config.json'), maxTokens: join(folder, 'sentence_bert_config.json') },
    });
  });

  it.each([
    [{ pooling_mode: 'lasttoken' }, 'last'],
    [{ pooling_mode: ['mean'] }, 'mean'],
    [{ pooling_mode_lasttoken: true }, 'last'],
    [{}, 'mean'],
  ])('reads the pooling of %j', async (config, pooling) => {
    const folder = await folderOf({ '1_Pooling/config.json': config });
    expect((await readSentenceFiles(folder, undefined)).pooling).toBe(pooling);
  });

  it.each([
    [{ pooling_mode_max_tokens: true }, /pooling max is not supported/],
    [{ pooling_mode_cls_token: true, pooling_mode_mean_tokens: true }, /pooling cls with mean is not supported/],
  ])('refuses the pooling of %j unless another is asked for', async (config, message) => {
    const folder = await folderOf({ '1_Pooling/config.json': config });
    await expect(readSentenceFiles(folder, undefined)).rejects.toThrow(message);
    expect(await readSentenceFiles(folder, 'cls')).toMatchObject({ pooling: 'cls', sources: { pooling: '--pooling' } });
  });

  it('refuses a module that is done nowhere, unless the graph holds it', async () => {
    const folder = await folderOf({
      'modules.json': [TRANSFORMER, module('1_Pooling', 'Pooling'), module('2_Dense', 'Dense')],
    });
    await expect(readSentenceFiles(folder, undefined)).rejects.toThrow(/module Dense \(2_Dense\).*--pooling=graph/);
    expect((await readSentenceFiles(folder, 'graph')).pooling).toBe('graph');
  });

  it('takes the default prompt where a role has none of its own', async () => {
    const folder = await folderOf({
      'config_sentence_transformers.json': { prompts: { any: 'any: ', query: 'q: ' }, default_prompt_name: 'any' },
    });
    expect((await readSentenceFiles(folder, undefined)).prefixes).toEqual({ document: 'any: ', query: 'q: ' });
  });
});

describe('readTransformerConfig', () => {
  it('knows the names that families give to their size, and what positions are left for tokens', async () => {
    const of = async (config: object): Promise<unknown> =>
      readTransformerConfig(await folderOf({ 'config.json': config }));
    expect(await of({ model_type: 'nomic_bert', n_embd: 768, n_positions: 8192 })).toEqual({
      dimension: 768,
      positions: 8192,
      shorter: [],
    });
    expect(await of({ model_type: 'distilbert', dim: 768 })).toEqual({ dimension: 768, shorter: [] });
    expect(
      await of({ model_type: 'xlm-roberta', hidden_size: 384, max_position_embeddings: 514, pad_token_id: 1 }),
    ).toMatchObject({ positions: 512 });
    expect(
      await of({ model_type: 'bert', hidden_size: 384, max_position_embeddings: 512, pad_token_id: 0 }),
    ).toMatchObject({ positions: 512 });
  });
});

describe('readTokenizerLimit', () => {
  it('takes a number beyond any model for no limit', async () => {
    const of = async (limit: number): Promise<unknown> =>
      readTokenizerLimit(await folderOf({ 'tokenizer_config.json': { model_max_length: limit } }));
    expect(await of(512)).toBe(512);
    expect(await of(1e30)).toBeUndefined();
  });
});
