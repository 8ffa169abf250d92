import { z } from 'zod';
import type { CatalogEntry, OnnxWeights, TextTowerWeights } from './entry.ts';
import { readJson, readOptionalJson, requireFiles } from './folder-files.ts';
import { chooseGraph, graphOf, type ChosenGraph } from './graph-files.ts';
import { inputSizeOf, preprocessorConfigSchema, type ImageSize } from './image-preprocessing.ts';
import { readTokenizerLimit } from './sentence-files.ts';

const PREPROCESSOR = 'preprocessor_config.json';
/** Of SigLIP's text config, where config.json leaves it out (transformers' `SiglipTextConfig`). */
const SIGLIP_PAD_ID = 1;

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
  vision_config: visionSchema.partial().optional(),
  text_config: z
    .looseObject({
      max_position_embeddings: count.optional(),
      pad_token_id: z.int().nonnegative().nullish(),
      // Where Jina CLIP has its prefixes.
      hf_model_config_kwargs: z
        .looseObject({ task_instructions: z.record(z.string(), z.string()).optional() })
        .optional(),
    })
    .optional(),
  matryoshka_dimensions: z.array(count).optional(),
});
const typeSchema = z.looseObject({ model_type: z.string().default('') });

type Config = z.infer<typeof configSchema>;

/** Whether a model reads images: it has a vision tower of its own, or one graph for both of Jina CLIP's. */
export async function isVisionFolder(folder: string, files: readonly string[]): Promise<boolean> {
  if (files.some((file) => /^(?:onnx\/)?vision_model\w*\.onnx$/.test(file))) return true;
  if (!files.includes(PREPROCESSOR)) return false;
  return (await readOptionalJson(folder, 'config.json', typeSchema))?.model_type === 'jina_clip';
}

/**
 * A model of CLIP's or SigLIP's kind: config.json, preprocessor_config.json and the graph of its vision tower; with the
 * graph of its text tower and tokenizer.json, too, it embeds queries of text. Jina CLIP has one graph for both, and is
 * made for texts as much as for images.
 *
 * @param files all of the model's, here or to be downloaded
 * @throws UsageError when a file is missing or says something else than it should.
 */
export async function readVisionFolder(
  folder: string,
  name: string,
  files: readonly string[],
  dtype: string | undefined,
): Promise<CatalogEntry> {
  const where = `The model folder ${folder}`;
  requireFiles(where, files, ['config.json', PREPROCESSOR]);
  const config = await readJson(folder, 'config.json', configSchema);
  const isJina = config.model_type === 'jina_clip';
  const graph = chooseGraph(files, isJina ? 'model' : 'vision_model', dtype, where);
  const preprocessing = await readJson(folder, PREPROCESSOR, preprocessorConfigSchema);
  // A tower that was exported alone has its own configuration at the top.
  const vision = visionSchema.parse(config.vision_config ?? (await readJson(folder, 'config.json', visionSchema)));
  const hasClass = isJina || config.model_type.startsWith('clip');
  const patch = isJina ? JINA_PATCH : vision.patch_size;
  const tokensPerImage = patches(inputSizeOf(preprocessing), patch) + (hasClass ? 1 : 0);
  const textGraph = isJina ? graph : textTowerOf(files, graph);
  const emptyImage = isJina ? inputSizeOf(preprocessing) : undefined;
  const textTower = textGraph && (await readTextTower(folder, config, files, { ...textGraph, emptyImage }));
  const dimension = dimensionOf(config, vision);
  const instructions = config.text_config?.hf_model_config_kwargs?.task_instructions ?? {};
  const shorter = (config.matryoshka_dimensions ?? []).filter((each) => each < dimension).sort((a, b) => b - a);
  return {
    name,
    aliases: [],
    summary: `the model in ${folder}`,
    kinds: isJina && textTower !== undefined ? ['text', 'image'] : ['image'],
    dimension,
    ...(shorter.length > 0 && { matryoshka: { full: dimension, shorter } }),
    maxTokens: textTower?.maxTokens ?? tokensPerImage,
    pooling: 'graph',
    normalise: true,
    prefixes: {
      document: instructions['retrieval.passage'] ?? '',
      query: instructions['retrieval.query'] ?? '',
    },
    similarity: 'cosine',
    licence: 'unknown',
    sources: { dimension: `${folder}/config.json` },
    weights: {
      ...graph,
      folder,
      runtime: 'onnx-vision',
      preprocessing,
      tokensPerImage,
      ...(textTower !== undefined && { textTower }),
    },
  };
}

/** EVA02-L14, which its config.json names and does not describe. */
const JINA_PATCH = 14;
const JINA_DIMENSION = 1024;

function dimensionOf(config: Config, vision: z.infer<typeof visionSchema>): number {
  if (config.model_type === 'jina_clip') return config.projection_dim ?? JINA_DIMENSION;
  if (!config.model_type.startsWith('clip')) return vision.hidden_size;
  return config.projection_dim ?? vision.projection_dim ?? 512;
}

function patches({ width, height }: { readonly width: number; readonly height: number }, patch: number): number {
  return Math.floor(width / patch) * Math.floor(height / patch);
}

/** In the same dtype as the vision tower where there is one. */
function textTowerOf(files: readonly string[], { dtype }: ChosenGraph): ChosenGraph | undefined {
  return graphOf(files, 'text_model', dtype) ?? graphOf(files, 'text_model', 'fp32');
}

async function readTextTower(
  folder: string,
  config: Config,
  files: readonly string[],
  { emptyImage, ...graph }: ChosenGraph & { readonly emptyImage: ImageSize | undefined },
): Promise<TextTowerWeights | undefined> {
  if (!files.includes('tokenizer.json')) return undefined;
  const isSiglip = config.model_type.startsWith('siglip');
  const isJina = config.model_type === 'jina_clip';
  const positions = config.text_config?.max_position_embeddings ?? (isSiglip ? 64 : isJina ? 8192 : 77);
  const maxTokens = Math.min(positions, (await readTokenizerLimit(folder)) ?? positions);
  const weights: OnnxWeights = { ...graph, runtime: 'onnx', folder, ...(emptyImage !== undefined && { emptyImage }) };
  // SigLIP was trained on texts that are all of this length, and reads the padding.
  const padTo = { length: maxTokens, id: config.text_config?.pad_token_id ?? SIGLIP_PAD_ID };
  return { maxTokens, weights: isSiglip ? { ...weights, padTo } : weights };
}
