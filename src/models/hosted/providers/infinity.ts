import { readListed } from '../answer-shape.ts';
import { baseUrl, bearer, setting } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import type { ProviderOptions } from './options.ts';

/** https://github.com/michaelfeil/infinity, POST /embeddings; at most 2,048 inputs. */
export function infinity(options: ProviderOptions): HostedProvider {
  const { model, dimension, isShorter, environment, maxItems = 256 } = options;
  const base = baseUrl(environment, 'INFINITY_BASE_URL', 'http://127.0.0.1:7997');
  return {
    name: `The Infinity server at ${new URL(base).host}`,
    limits: {
      maxItems,
      goodItems: Math.min(64, maxItems),
      maxTokens: 1_000_000,
      maxBytes: 16 * 1024 * 1024,
      concurrency: 8,
    },
    headers: bearer(() => setting(environment, ...KEY_VARIABLES.infinity)),
    request: (items) => ({
      url: `${base}/embeddings`,
      body: {
        model,
        input: items.map(({ text }) => text ?? ''),
        encoding_format: 'base64',
        modality: 'text',
        ...(isShorter === true && { dimensions: dimension }),
      },
    }),
    parse: (answer, items) => {
      const { vectors, ...counts } = readListed(answer, items.length);
      return { vectors: vectors.map((vector) => [vector]), ...counts };
    },
  };
}
