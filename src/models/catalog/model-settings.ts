import { UsageError } from '../../errors.ts';
import type { CatalogEntry, OnnxWeights } from './entry.ts';
import type { ModelSettings } from './model-spec.ts';
import { withDimensions } from './shorter-vectors.ts';

/**
 * A model with what the user wants otherwise than its authors. Each of these moves the fingerprint. Pure.
 *
 * @throws UsageError for a setting that this model can't have.
 */
export function applySettings(entry: CatalogEntry, settings: ModelSettings): CatalogEntry {
  const { dimensions, pooling, normalise } = settings;
  const { 'max-tokens': maxTokens, 'long-text': longText } = settings;
  const isText = entry.weights.runtime === 'onnx';
  if (!isText && entry.weights.runtime !== 'hub') {
    refuse(
      entry,
      settings,
      entry.weights.runtime === 'hashed' ? [] : ['dimensions', 'query-prefix', 'document-prefix'],
    );
  }
  const cut = dimensions === undefined ? entry : withDimensions(entry, dimensions);
  const changed = [
    ...(pooling === undefined ? [] : ['pooling']),
    ...(normalise === undefined ? [] : ['normalise']),
    ...(maxTokens === undefined ? [] : ['maxTokens']),
  ];
  return {
    ...cut,
    ...(pooling !== undefined && { pooling }),
    ...(normalise !== undefined && { normalise }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(longText !== undefined && { longText }),
    prefixes: {
      document: settings['document-prefix'] ?? cut.prefixes.document,
      query: settings['query-prefix'] ?? cut.prefixes.query,
    },
    sources: { ...cut.sources, ...Object.fromEntries(changed.map((fact) => [fact, 'asked for'])) },
    ...(pooling !== undefined && pooling !== 'graph' && isText && { weights: poolingHere(entry.weights) }),
  };
}

function poolingHere(weights: CatalogEntry['weights']): OnnxWeights | CatalogEntry['weights'] {
  return weights.runtime === 'onnx' ? { ...weights, poolsTokens: true } : weights;
}

function refuse(entry: CatalogEntry, settings: ModelSettings, allowed: readonly string[]): void {
  // A folder's files are chosen by dtype before this.
  const inFolder = entry.weights.runtime === 'onnx-vision' ? ['as', 'model-dtype'] : ['as'];
  const refused = Object.keys(settings).find((key) => ![...allowed, ...inFolder].includes(key));
  if (refused === undefined) return;
  throw new UsageError(`--${refused} can't be set for ${entry.name}: it is for models of text whose files are here.`);
}
