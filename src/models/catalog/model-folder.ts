import { basename, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { CatalogEntry } from './entry.ts';
import { listFiles, requireFiles } from './folder-files.ts';
import { chooseGraph } from './graph-files.ts';
import type { ModelSettings } from './model-spec.ts';
import { readSentenceFiles, readTokenizerLimit, readTransformerConfig } from './sentence-files.ts';
import { isVisionFolder, readVisionFolder } from './vision-folder.ts';

/** Where nothing says how long a text may be. */
const DEFAULT_MAX_TOKENS = 8192;

export interface ModelFolderOptions {
  /** Left out: the folder's name. */
  readonly name?: string | undefined;
  readonly settings: Pick<ModelSettings, 'model-dtype' | 'pooling'>;
  /** Every file of the model, where those that hold weights are not in the folder yet; left out: what is in it. */
  readonly files?: readonly string[];
}

/**
 * A model in a folder, laid out as on the Hugging Face hub: config.json, tokenizer.json and an ONNX file;
 * tokenizer_config.json and the files of sentence-transformers count where they are. With the graph of a vision tower
 * it is a model of images ({@link readVisionFolder}).
 *
 * @throws UsageError when a file is missing or says something else than it should.
 */
export async function readModelFolder(path: string, options: ModelFolderOptions): Promise<CatalogEntry> {
  const folder = resolve(path);
  const name = options.name ?? nameOf(folder);
  const files = options.files ?? (await listFiles(folder));
  const dtype = options.settings['model-dtype'];
  if (await isVisionFolder(folder, files)) return readVisionFolder(folder, name, files, dtype);
  requireFiles(`The model folder ${folder}`, files, ['config.json', 'tokenizer.json']);
  const graph = chooseGraph(files, 'model', dtype, `The model folder ${folder}`);
  const config = await readTransformerConfig(folder);
  const sentence = await readSentenceFiles(folder, options.settings.pooling);
  const limits = [config.positions, await readTokenizerLimit(folder), sentence.maxTokens];
  const known = limits.filter((limit) => limit !== undefined);
  const dimension = config.dimension ?? sentence.dimension;
  if (dimension === undefined) throw new UsageError(`${folder}/config.json does not say hidden_size.`);
  const shorter = config.shorter.filter((each) => each < dimension).sort((a, b) => b - a);
  const { lowerCase, sources } = sentence;
  return {
    name,
    aliases: [],
    summary: `the model in ${folder}`,
    kinds: ['text'],
    dimension,
    ...(shorter.length > 0 && { matryoshka: { full: dimension, shorter } }),
    maxTokens: known.length === 0 ? DEFAULT_MAX_TOKENS : Math.min(...known),
    pooling: sentence.pooling,
    normalise: sentence.normalise,
    prefixes: sentence.prefixes,
    similarity: sentence.similarity,
    licence: 'unknown',
    sources: {
      dimension: `${folder}/config.json`,
      maxTokens: known.length === 0 ? 'not stated' : `${folder}/tokenizer_config.json or config.json`,
      ...sources,
    },
    weights: { runtime: 'onnx', folder, ...graph, ...(lowerCase && { lowerCase }) },
  };
}

function nameOf(folder: string): string {
  const name = basename(folder);
  if (/^[A-Za-z0-9._-]{1,100}$/.test(name)) return name;
  throw new UsageError(
    `The model folder ${folder} needs a name of letters, digits, ".", "_" and "-": topics are named after it.`,
  );
}
