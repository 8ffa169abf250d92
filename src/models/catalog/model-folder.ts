import { access, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, UsageError } from '../../errors.ts';
import type { CatalogEntry, Pooling } from './entry.ts';

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
 * onnx/model.onnx; tokenizer_config.json, sentence_bert_config.json and 1_Pooling/config.json count where they are.
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
  for (const file of ['config.json', 'tokenizer.json', 'onnx/model.onnx']) await requireFile(folder, file);
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

async function requireFile(folder: string, file: string): Promise<void> {
  try {
    await access(join(folder, file));
  } catch (cause) {
    throw new UsageError(
      `The model folder ${folder} has no ${file}. It needs config.json, tokenizer.json and onnx/model.onnx.`,
      { cause },
    );
  }
}

async function readOptionalJson<Schema extends z.ZodType>(
  folder: string,
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  try {
    await access(join(folder, file));
  } catch {
    return undefined; // not an error: the file is optional
  }
  return readJson(folder, file, schema);
}

async function readJson<Schema extends z.ZodType>(
  folder: string,
  file: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const path = join(folder, file);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UsageError(`${path} is not what a model folder needs: ${reason}`, { cause });
  }
}
