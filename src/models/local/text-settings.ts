import { join } from 'node:path';
import type { ModelFacts, OnnxWeights } from '../catalog/entry.ts';
import { fullDimension } from '../catalog/shorter-vectors.ts';
import type { TextWorkerSettings } from './messages.ts';

/** What a worker needs to know of a model of texts. */
export function textSettingsOf(
  model: ModelFacts & { readonly weights: OnnxWeights },
): Omit<TextWorkerSettings, 'device' | 'threads'> {
  const { folder, graph, emptyImage, lowerCase = false, padTo, poolsTokens = false } = model.weights;
  return {
    model: model.name,
    graphPath: join(folder, graph),
    tokenizerPath: join(folder, 'tokenizer.json'),
    tokenizerConfigPath: join(folder, 'tokenizer_config.json'),
    dimension: model.dimension,
    fullDimension: fullDimension(model),
    layerNorm: model.matryoshka?.layerNorm ?? false,
    maxTokens: model.maxTokens,
    pooling: model.pooling,
    poolsTokens,
    normalise: model.normalise,
    lowerCase,
    ...(padTo !== undefined && { padTo }),
    ...(emptyImage !== undefined && { emptyImage }),
  };
}
