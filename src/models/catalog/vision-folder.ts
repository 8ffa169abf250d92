import { z } from 'zod';
import type { CatalogEntry, OnnxWeights, TextTowerWeights } from './entry.ts';
import { hasFile, readJson, readOptionalJson, requireFiles } from './folder-files.ts';
import { inputSizeOf, preprocessorConfigSchema } from './image-preprocessing.ts';

export const VISION_GRAPH = 'onnx/vision_model.onnx';
const TEXT_GRAPH = 'onnx/text_model.onnx';
const PREPROCESSOR = 'preprocessor_config.json';

const count = z.int().positive();
/** Defaults are transformers' `CLIPVisionConfig`, which config.json may leave out. */
const visionSchema = z.object({
  hidden_size: count.default(768),
  projection_dim: count.optional(),
  image_size: count.default(224),
  patch_size: count.default(32),
});
const configSchema = z.object({
  model_type: z.string().default('clip'),
  projection_dim: count.optional(),
  vision_config: visionSchema.optional(),
  text_config: z.object({ max_position_embeddings: count.default(77) }).optional(),
});
const tokenizerConfigSchema = z.object({ model_max_length: z.number().positive().optional() });

/**
 * A model of CLIP's or SigLIP's kind: config.json, preprocessor_config.json and onnx/vision_model.onnx; with
 * onnx/text_model.onnx and tokenizer.json, too, it embeds queries of text (CLIP alone: SigLIP's text tower wants every
 * text padded to its full length, which is not done here).
 *
 * @throws UsageError when a file is missing or says something else than it should.
 */
export async function readVisionFolder(folder: string, name: string): Promise<CatalogEntry> {
  await requireFiles(folder, ['config.json', PREPROCESSOR, VISION_GRAPH]);
  const config = await readJson(folder, 'config.json', configSchema);
  // A tower that was exported alone has its own configuration at the top.
  const vision = config.vision_config ?? (await readJson(folder, 'config.json', visionSchema));
  const isClip = config.model_type.startsWith('clip');
  const preprocessing = await readJson(folder, PREPROCESSOR, preprocessorConfigSchema);
  const tokensPerImage = patches(inputSizeOf(preprocessing), vision.patch_size) + (isClip ? 1 : 0);
  const textTower = isClip
    ? await readTextTower(folder, config.text_config?.max_position_embeddings ?? 77)
    : undefined;
  return {
    name,
    aliases: [],
    summary: `the model in ${folder}`,
    kinds: ['image'],
    dimension: isClip ? (config.projection_dim ?? vision.projection_dim ?? 512) : vision.hidden_size,
    maxTokens: textTower?.maxTokens ?? tokensPerImage,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence: 'unknown',
    sources: { dimension: `${folder}/config.json` },
    weights: {
      ...(await graphIn(folder, VISION_GRAPH)),
      runtime: 'onnx-vision',
      preprocessing,
      tokensPerImage,
      ...(textTower !== undefined && { textTower }),
    },
  };
}

function patches({ width, height }: { readonly width: number; readonly height: number }, patch: number): number {
  return Math.floor(width / patch) * Math.floor(height / patch);
}

async function readTextTower(folder: string, maxTokens: number): Promise<TextTowerWeights | undefined> {
  if (!(await hasFile(folder, TEXT_GRAPH)) || !(await hasFile(folder, 'tokenizer.json'))) return undefined;
  const tokenizer = await readOptionalJson(folder, 'tokenizer_config.json', tokenizerConfigSchema);
  const limit = Math.min(maxTokens, tokenizer?.model_max_length ?? maxTokens);
  return { maxTokens: limit, weights: await graphIn(folder, TEXT_GRAPH) };
}

/** A graph, and the file beside it that holds its weights where they are too large for one. */
async function graphIn(folder: string, graph: string): Promise<OnnxWeights> {
  const data = `${graph}_data`;
  const weightFiles = (await hasFile(folder, data)) ? [graph, data] : [graph];
  return { runtime: 'onnx', folder, graph, weightFiles, dtype: 'fp32' };
}
