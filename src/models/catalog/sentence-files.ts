import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import type { Pooling, Similarity } from './entry.ts';
import { readJson, readOptionalJson } from './folder-files.ts';

/** What the files of sentence-transformers beside a model say about how it embeds. */
export interface SentenceFacts {
  readonly pooling: Pooling;
  readonly normalise: boolean;
  readonly prefixes: { readonly document: string; readonly query: string };
  readonly similarity: Similarity;
  readonly maxTokens?: number;
  /** Of the token vectors. */
  readonly dimension?: number;
  readonly lowerCase: boolean;
  /** Fact to the file that states it. */
  readonly sources: Readonly<Record<string, string>>;
}

const modulesSchema = z.array(z.looseObject({ type: z.string(), path: z.string() }));
const sentenceSchema = z.looseObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
});
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
  similarity_fn_name: z.string().nullish(),
});
const poolingSchema = z.looseObject({
  word_embedding_dimension: z.int().positive().optional(),
  embedding_dimension: z.int().positive().optional(),
  pooling_mode: z.union([z.string(), z.array(z.string())]).optional(),
  include_prompt: z.boolean().default(true),
});

/** Names of a mode as the file has it, or as it had it before (`pooling_mode_cls_token: true`). */
const MODES: Readonly<Record<string, Pooling>> = { cls: 'cls', mean: 'mean', lasttoken: 'last' };
const FORMER_KEYS: Readonly<Record<string, string>> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_mean_sqrt_len_tokens: 'mean_sqrt_len_tokens',
  pooling_mode_weightedmean_tokens: 'weightedmean',
  pooling_mode_lasttoken: 'lasttoken',
};

/** Modules that are done here; every other one would have to be part of the graph. */
const KNOWN_MODULES = ['Transformer', 'Pooling', 'Normalize'];

/**
 * Reads modules.json, the pooling's config.json, sentence_bert_config.json and config_sentence_transformers.json, as far
 * as they are there; without any, mean pooling and normalisation, as sentence-transformers and this field take it.
 *
 * @param asked pooling that the user asks for: the model's own is then not looked at
 * @throws UsageError for a pooling or a module that is not supported.
 */
export async function readSentenceFiles(folder: string, asked: Pooling | undefined): Promise<SentenceFacts> {
  const modules = await readOptionalJson(folder, 'modules.json', modulesSchema);
  const poolingFile = `${modules?.find(({ type }) => kindOf(type) === 'Pooling')?.path ?? '1_Pooling'}/config.json`;
  const sentence = await readOptionalJson(folder, 'sentence_bert_config.json', sentenceSchema);
  const config = await readOptionalJson(folder, 'config_sentence_transformers.json', promptsSchema);
  const pooling = await readOptionalJson(folder, poolingFile, poolingSchema);
  const prefixes = prefixesOf(config ?? {});
  if (asked !== 'graph') {
    refuseModules(folder, modules ?? []);
    if (pooling?.include_prompt === false && prefixes.document + prefixes.query !== '')
      throw new UsageError(`${folder}/${poolingFile}: pooling that leaves the prompt out is not supported.`);
  }
  const hasNormalize = modules?.some(({ type }) => kindOf(type) === 'Normalize');
  const at = (file: string): string => `${folder}/${file}`;
  return {
    pooling: asked ?? (pooling === undefined ? 'mean' : poolingOf(pooling, at(poolingFile))),
    normalise: hasNormalize ?? true,
    prefixes,
    similarity: similarityOf(config?.similarity_fn_name),
    ...(typeof sentence?.max_seq_length === 'number' && { maxTokens: sentence.max_seq_length }),
    ...dimensionOf(pooling),
    lowerCase: sentence?.do_lower_case === true,
    sources: {
      pooling: asked !== undefined ? '--pooling' : pooling === undefined ? 'not stated' : at(poolingFile),
      normalise: modules === undefined ? 'not stated' : at('modules.json'),
      ...(config !== undefined && {
        prefixes: at('config_sentence_transformers.json'),
        similarity: at('config_sentence_transformers.json'),
      }),
      ...(typeof sentence?.max_seq_length === 'number' && { maxTokens: at('sentence_bert_config.json') }),
    },
  };
}

/** The folders of modules that have to be downloaded with a repository's other small files. */
export async function moduleFiles(folder: string): Promise<string[]> {
  const modules = (await readOptionalJson(folder, 'modules.json', modulesSchema)) ?? [];
  return modules.filter(({ path }) => path !== '').map(({ path }) => `${path}/config.json`);
}

/** `sentence_transformers.models.Pooling` -> `Pooling` */
function kindOf(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}

function refuseModules(folder: string, modules: z.infer<typeof modulesSchema>): void {
  const other = modules.find(({ type }) => !KNOWN_MODULES.includes(kindOf(type)));
  if (other === undefined) return;
  throw new UsageError(
    `${folder}/modules.json: the module ${kindOf(other.type)} (${other.path}) is not supported. If the ONNX file holds it ` +
      '(an output named sentence_embedding), say so with --pooling=graph.',
  );
}

function poolingOf(config: z.infer<typeof poolingSchema>, path: string): Pooling {
  const former = Object.entries(FORMER_KEYS).flatMap(([key, mode]) => (config[key] === true ? [mode] : []));
  const modes = config.pooling_mode === undefined ? former : [config.pooling_mode].flat();
  // sentence-transformers' default where none is switched on
  const [mode = 'mean', ...others] = modes;
  const pooling = others.length > 0 ? undefined : MODES[mode];
  if (pooling !== undefined) return pooling;
  throw new UsageError(
    `${path}: pooling ${modes.join(' with ')} is not supported, only ${Object.keys(MODES).join(', ')}. ` +
      'Another may be forced with --pooling.',
  );
}

function prefixesOf(config: {
  readonly prompts?: Readonly<Record<string, string>> | null | undefined;
  readonly default_prompt_name?: string | null | undefined;
}): {
  document: string;
  query: string;
} {
  const prompts = config.prompts ?? {};
  const standard = prompts[config.default_prompt_name ?? ''] ?? '';
  return {
    // the order of `SentenceTransformer.encode_document`
    document: prompts['document'] ?? prompts['passage'] ?? prompts['corpus'] ?? standard,
    query: prompts['query'] ?? standard,
  };
}

function similarityOf(name: string | null | undefined): Similarity {
  return name === 'dot' || name === 'euclidean' ? name : 'cosine';
}

function dimensionOf(pooling: z.infer<typeof poolingSchema> | undefined): { dimension?: number } {
  const dimension = pooling?.word_embedding_dimension ?? pooling?.embedding_dimension;
  return dimension === undefined ? {} : { dimension };
}

const configSchema = z.looseObject({
  model_type: z.string().default(''),
  hidden_size: z.int().positive().optional(),
  n_embd: z.int().positive().optional(),
  d_model: z.int().positive().optional(),
  dim: z.int().positive().optional(),
  max_position_embeddings: z.int().optional(),
  n_positions: z.int().optional(),
  pad_token_id: z.int().nullish(),
  matryoshka_dimensions: z.array(z.int().positive()).optional(),
});

/** Of these the first position is the one behind the padding's: that many fewer tokens fit. */
const OFFSET_POSITIONS = ['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'xlm-roberta-xl', 'data2vec-text'];

/** What the transformer's config.json says. */
export interface TransformerFacts {
  readonly dimension?: number;
  /** Most tokens that it has positions for. */
  readonly positions?: number;
  readonly shorter: readonly number[];
}

export async function readTransformerConfig(folder: string): Promise<TransformerFacts> {
  const config = await readJson(folder, 'config.json', configSchema);
  const dimension = config.hidden_size ?? config.n_embd ?? config.d_model ?? config.dim;
  const stated = config.max_position_embeddings ?? config.n_positions;
  const offset = OFFSET_POSITIONS.includes(config.model_type) ? (config.pad_token_id ?? 1) + 1 : 0;
  return {
    ...(dimension !== undefined && { dimension }),
    ...(stated !== undefined && stated > offset && { positions: stated - offset }),
    shorter: config.matryoshka_dimensions ?? [],
  };
}

const tokenizerSchema = z.looseObject({ model_max_length: z.number().positive().optional() });

/** What tokenizer_config.json limits a text to; a number beyond any model's stands for no limit. */
export async function readTokenizerLimit(folder: string): Promise<number | undefined> {
  const limit = (await readOptionalJson(folder, 'tokenizer_config.json', tokenizerSchema))?.model_max_length;
  return limit === undefined || limit > 1_000_000 ? undefined : limit;
}
