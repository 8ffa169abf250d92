import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import type { CatalogEntry, Pooling } from './entry.ts';
import { hasFile, readJson, readOptionalJson, requireFiles } from './folder-files.ts';
import { readVisionFolder, VISION_GRAPH } from './vision-folder.ts';

const configSchema = z.object({
  hidden_size: z.int().positive(),
  max_position_embeddings: z.int().positive().optional(),
});
const tokenizerConfigSchema = z.object({ model_max_length: z.number().positive().optional() });
const sentenceConfigSchema = z.object({ max_seq_length: z.int().positive().nullish() });
const poolingSchema = z.object({
  pooling_mode_cls_token: z.boolean().optional(),
  pooling_mode_mean_tokens: z.boolean().optional(),
});

/**
 * A model in a folder of the user's own, laid out as on the Hugging Face hub: config.json, tokenizer.json,
 * onnx/model.onnx; tokenizer_config.json, sentence_bert_config.json and 1_Pooling/config.json count where they are. With
 * onnx/vision_model.onnx it is a model of images ({@link readVisionFolder}).
 * Its name is the folder's.
 *
 * @throws UsageError when a file is missing or says something else than it should.
 */
export async function readModelFolder(path: string): Promise<CatalogEntry> {
  const folder = resolve(path);
  const name = basename(folder);
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) {
    throw new UsageError(
      `The model folder ${folder} needs a name of letters, digits, ".", "_" and "-": topics are named after it.`,
    );
  }
  if (await hasFile(folder, VISION_GRAPH)) return readVisionFolder(folder, name);
  await requireFiles(folder, ['config.json', 'tokenizer.json', 'onnx/model.onnx']);
  const config = await readJson(folder, 'config.json', configSchema);
  const tokenizer = await readOptionalJson(folder, 'tokenizer_config.json', tokenizerConfigSchema);
  const sentence = await readOptionalJson(folder, 'sentence_bert_config.json', sentenceConfigSchema);
  const limits = [config.max_position_embeddings, tokenizer?.model_max_length, sentence?.max_seq_length];
  return {
    name,
    aliases: [],
    summary: `the model in ${folder}`,
    kinds: ['text'],
    dimension: config.hidden_size,
    maxTokens: Math.min(...limits.filter((limit) => typeof limit === 'number'), 8192),
    pooling: await readPooling(folder),
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence: 'unknown',
    sources: { dimension: `${folder}/config.json` },
    weights: {
      runtime: 'onnx',
      folder,
      graph: 'onnx/model.onnx',
      weightFiles: ['onnx/model.onnx'],
      dtype: 'fp32',
    },
  };
}

async function readPooling(folder: string): Promise<Pooling> {
  const pooling = await readOptionalJson(folder, '1_Pooling/config.json', poolingSchema);
  if (!pooling || pooling.pooling_mode_mean_tokens === true) return 'mean';
  if (pooling.pooling_mode_cls_token === true) return 'cls';
  throw new UsageError(`${join(folder, '1_Pooling/config.json')}: only mean and cls pooling are supported.`);
}
