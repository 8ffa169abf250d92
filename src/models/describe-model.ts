import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fatalError, messageOf } from '../errors.ts';
import type { ModelFingerprint } from '../record/types.ts';
import type { CatalogEntry } from './catalog/entry.ts';
import { findModel, weightsAreElsewhere } from './catalog/find-model.ts';
import { fingerprintOf } from './fingerprint.ts';
import { HASHED_PREPROCESSING_VERSION } from './hashed/hashed-embedder.ts';
import { IMAGE_PREPROCESSING_VERSION, PREPROCESSING_VERSION } from './local/preprocessing-version.ts';
import type { InputKind, ModelInfo } from './port.ts';

/**
 * What is known of a model without loading it; `model` is a name, an alias or a folder, as for `createEmbedder`.
 *
 * @throws UsageError for an unknown model, or one whose weights are not here.
 * @throws PipelineError MODEL_LOAD_FAILED when one of its files can't be read.
 */
export async function describeModel(model: string): Promise<ModelInfo> {
  return describeEntry(await findModel(model));
}

/** The same for an entry of the catalogue. The files that decide its vectors are read once, for the fingerprint. */
export async function describeEntry(entry: CatalogEntry): Promise<ModelInfo> {
  const { name, kinds, dimension, maxTokens } = entry;
  const queryKinds = queryKindsOf(entry);
  return { name, kinds, queryKinds, dimension, maxTokens, fingerprint: await modelFingerprint(entry) };
}

function queryKindsOf({ kinds, weights }: CatalogEntry): readonly InputKind[] {
  return weights.runtime === 'onnx-vision' && weights.textTower !== undefined ? [...kinds, 'text'] : kinds;
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
    const files = Object.fromEntries(
      await Promise.all(weightFiles.map(async (file) => [file, await hashOf(join(folder, file))] as const)),
    );
    if (weights.runtime === 'onnx-vision') {
      // Nothing of the text tower: with another one, or none, every record's vector stays what it is.
      const preprocessing = `${IMAGE_PREPROCESSING_VERSION}:${JSON.stringify(weights.preprocessing)}`;
      const { tokensPerImage } = weights;
      return fingerprintOf({
        ...facts,
        maxTokens: tokensPerImage,
        weights: files,
        tokenizer: '',
        dtype,
        preprocessing,
      });
    }
    const tokenizer = await hashOf(join(folder, 'tokenizer.json'));
    const preprocessing = PREPROCESSING_VERSION;
    return fingerprintOf({ ...facts, weights: files, tokenizer, dtype, preprocessing });
  } catch (cause) {
    const where = `The model ${model} could not be read from ${folder}: ${messageOf(cause)}.`;
    throw fatalError('MODEL_LOAD_FAILED', `${where} Check that its files are there and readable.`, cause);
  }
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
