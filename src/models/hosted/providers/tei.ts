import { z } from 'zod';
import { rawVector, shaped } from '../answer-shape.ts';
import { baseUrl, bearer, setting } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import type { ProviderOptions } from './options.ts';

/** What text-embeddings-inference takes unless it is started with another --max-client-batch-size. */
const DEFAULT_BATCH = 32;

/** https://huggingface.github.io/text-embeddings-inference, POST /embed. */
export function tei(options: ProviderOptions): HostedProvider {
  const { dimension, isShorter, environment, maxItems = DEFAULT_BATCH } = options;
  const base = baseUrl(environment, 'TEI_BASE_URL', 'http://127.0.0.1:8080');
  return {
    name: `The text-embeddings-inference server at ${new URL(base).host}`,
    limits: { maxItems, goodItems: maxItems, maxTokens: 1_000_000, maxBytes: 2_000_000, concurrency: 8 },
    headers: bearer(() => setting(environment, ...KEY_VARIABLES.tei)),
    request: (items) => ({
      url: `${base}/embed`,
      body: {
        inputs: items.map(({ text }) => text ?? ''),
        normalize: true,
        truncate: true,
        ...(isShorter === true && { dimensions: dimension }),
      },
    }),
    parse: (answer, _items, headers) => {
      const tokens = Number(headers['x-compute-tokens'] ?? NaN);
      return {
        vectors: shaped(z.array(rawVector), answer).map((vector) => [vector]),
        ...(tokens > 0 && { tokens }),
      };
    },
  };
}
