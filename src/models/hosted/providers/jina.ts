import { readListed } from '../answer-shape.ts';
import { base64Of } from '../data-uri.ts';
import { baseUrl, bearer, requiredKey } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider, ImageRules } from '../provider.ts';
import { taskOf } from '../tasks.ts';
import type { ProviderOptions } from './options.ts';

/** A tile of 512 × 512 pixels counts as 4,000 tokens for jina-clip-v2, one of 28 × 28 as 10 for jina-embeddings-v4. */
const TILES: Readonly<Record<string, { readonly pixels: number; readonly tokens: number }>> = {
  'jina-clip-v2': { pixels: 512 * 512, tokens: 4000 },
  'jina-embeddings-v4': { pixels: 28 * 28, tokens: 10 },
};

/** https://api.jina.ai/redoc, POST /v1/embeddings. A text and an image of one record are two inputs there. */
export function jina({ model, dimension, environment }: ProviderOptions): HostedProvider {
  const url = `${baseUrl(environment, 'JINA_BASE_URL', 'https://api.jina.ai/v1')}/embeddings`;
  const headers = bearer(() => requiredKey('Jina AI', environment, ...KEY_VARIABLES.jina));
  const tile = TILES[model] ?? { pixels: 28 * 28, tokens: 10 };
  const images: ImageRules = {
    mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'],
    maxBytes: 5 * 1024 * 1024,
    maxPixels: 16_000_000,
    tokens: (pixels) => Math.ceil(pixels / tile.pixels) * tile.tokens,
  };
  return {
    name: 'Jina AI',
    limits: {
      ...{ maxItems: 128, goodItems: 64, maxTokens: 400_000, maxBytes: 16 * 1024 * 1024, concurrency: 16 },
      partsApart: true,
    },
    images,
    headers,
    request: (items, role) => ({
      url,
      body: {
        model,
        // Left out of the JSON where it is undefined.
        task: taskOf('jina', model, role),
        dimensions: dimension,
        normalized: true,
        embedding_type: 'float',
        truncate: true,
        input: items.flatMap(({ text, image }) => [
          ...(text === undefined ? [] : [{ text }]),
          ...(image === undefined ? [] : [{ image: base64Of(image) }]),
        ]),
      },
    }),
    parse: (answer, items) => {
      const parts = items.map(({ text, image }) => (text === undefined || image === undefined ? 1 : 2));
      const { vectors, ...counts } = readListed(
        answer,
        parts.reduce((sum, each) => sum + each, 0),
      );
      let next = 0;
      return { vectors: parts.map((count) => vectors.slice(next, (next += count))), ...counts };
    },
  };
}
