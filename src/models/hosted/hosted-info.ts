import type { HostedWeights, ModelFacts } from '../catalog/entry.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { ModelInfo } from '../port.ts';
import { HOSTED_PREPROCESSING_VERSION, taskOf } from './tasks.ts';

/** Moves whenever another image would be sent for the same bytes; part of the fingerprint. */
const HOSTED_IMAGE_VERSION = 'image-1';

/**
 * What is known of a model behind an API. Its fingerprint is made of what is asked for, and the revision where a server
 * tells: where the server is does not count.
 */
export function describeHosted(model: ModelFacts & { readonly weights: HostedWeights }): ModelInfo {
  const { name, kinds, dimension, maxTokens, weights, pooling, normalise, prefixes } = model;
  const { provider, model: apiModel, revision } = weights;
  const preprocessing = [
    HOSTED_PREPROCESSING_VERSION,
    taskOf(provider, apiModel, 'document') ?? '',
    kinds.includes('image') ? HOSTED_IMAGE_VERSION : '',
  ].join(':');
  const fingerprint = fingerprintOf({
    model: `${provider}:${apiModel}`,
    weights: revision === undefined ? {} : { revision },
    tokenizer: '',
    dtype: 'hosted',
    preprocessing,
    prefix: prefixes.document,
    ...{ pooling, normalise, dimension, maxTokens },
  });
  return { name, kinds, queryKinds: kinds, dimension, maxTokens, fingerprint };
}
