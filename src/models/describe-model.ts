import { fatalError, messageOf } from '../errors.ts';
import type { ModelFingerprint } from '../record/types.ts';
import type { CatalogEntry, OnnxWeights } from './catalog/entry.ts';
import { findModel, weightsAreElsewhere } from './catalog/find-model.ts';
import { fullDimension } from './catalog/shorter-vectors.ts';
import { hashOfFile } from './file-hash.ts';
import { fingerprintOf } from './fingerprint.ts';
import { HASHED_PREPROCESSING_VERSION } from './hashed/hashed-embedder.ts';
import { IMAGE_PREPROCESSING_VERSION, PREPROCESSING_VERSION } from './local/preprocessing-version.ts';
import type { InputKind, ModelInfo } from './port.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What is known of a model without loading it; `model` is a name, an alias or a folder, as for `createEmbedder`.
 *
 * @param environment says where servers of one's own are; only they are asked.
 * @throws UsageError for an unknown model, or one whose weights are not here.
 * @throws PipelineError MODEL_LOAD_FAILED when one of its files can't be read.
 */
export async function describeModel(model: string, environment: Environment = {}): Promise<ModelInfo> {
  return describeEntry(await findModel(model), environment);
}

/** The same for an entry of the catalogue. The files that decide its vectors are read once, for the fingerprint. */
export async function describeEntry(entry: CatalogEntry, environment: Environment = {}): Promise<ModelInfo> {
  const { name, kinds, dimension, maxTokens, weights } = entry;
  if (weights.runtime === 'hosted') {
    // An HTTP client, which local models have no use for.
    const { describeHostedModel } = await import('./hosted/load-hosted.ts');
    return describeHostedModel({ ...entry, weights }, environment);
  }
  const queryKinds = queryKindsOf(entry);
  return { name, kinds, queryKinds, dimension, maxTokens, fingerprint: await modelFingerprint(entry) };
}

function queryKindsOf({ kinds, weights }: CatalogEntry): readonly InputKind[] {
  const hasTower = weights.runtime === 'onnx-vision' && weights.textTower !== undefined;
  return hasTower && !kinds.includes('text') ? [...kinds, 'text'] : kinds;
}

async function modelFingerprint(entry: CatalogEntry): Promise<ModelFingerprint> {
  const { name: model, pooling, normalise, dimension, maxTokens, weights } = entry;
  const facts = { model, pooling, normalise, dimension, maxTokens, prefix: entry.prefixes.document };
  if (weights.runtime === 'hashed') {
    const preprocessing = HASHED_PREPROCESSING_VERSION;
    return fingerprintOf({ ...facts, weights: {}, tokenizer: '', dtype: 'fp32', preprocessing });
  }
  if (weights.runtime === 'hub' || weights.runtime === 'hosted') throw weightsAreElsewhere(model, weights);
  const { folder, weightFiles, dtype } = weights;
  try {
    const files = await hashesOf(folder, weightFiles);
    if (weights.runtime === 'onnx-vision') {
      const preprocessing = `${IMAGE_PREPROCESSING_VERSION}:${JSON.stringify(weights.preprocessing)}${shortening(entry)}`;
      const ofImages = { ...facts, weights: files, dtype, preprocessing, maxTokens: weights.tokensPerImage };
      // Where the text tower embeds no record, nothing of it counts: with another one, every vector stays what it is.
      if (!entry.kinds.includes('text')) return fingerprintOf({ ...ofImages, tokenizer: '' });
      const tokenizer = await hashOfFile(folder, 'tokenizer.json');
      return fingerprintOf({ ...ofImages, tokenizer, preprocessing: `${preprocessing}:${String(maxTokens)}` });
    }
    const tokenizer = await hashOfFile(folder, 'tokenizer.json');
    const preprocessing = `${PREPROCESSING_VERSION}${variant(weights)}${shortening(entry)}${lengthening(entry)}`;
    return fingerprintOf({ ...facts, weights: files, tokenizer, dtype, preprocessing });
  } catch (cause) {
    const where = `The model ${model} could not be read from ${folder}: ${messageOf(cause)}.`;
    throw fatalError('MODEL_LOAD_FAILED', `${where} Check that its files are there and readable.`, cause);
  }
}

async function hashesOf(folder: string, files: readonly string[]): Promise<Record<string, string>> {
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await hashOfFile(folder, file)] as const)),
  );
}

/** Empty for most models, whose fingerprints stay what they were before there was this. */
function variant({ lowerCase, padTo }: OnnxWeights): string {
  return `${lowerCase === true ? ':lower-case' : ''}${padTo === undefined ? '' : `:pad-${String(padTo.length)}-${String(padTo.id)}`}`;
}

function shortening(entry: CatalogEntry): string {
  const isCut = entry.dimension !== fullDimension(entry);
  return isCut ? `:cut${entry.matryoshka?.layerNorm === true ? '-layer-norm' : ''}` : '';
}

function lengthening({ longText = 'truncate' }: CatalogEntry): string {
  return longText === 'truncate' ? '' : `:${longText}`;
}
