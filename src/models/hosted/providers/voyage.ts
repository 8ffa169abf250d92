import { z } from 'zod';
import { readListed, shaped } from '../answer-shape.ts';
import { dataUri } from '../data-uri.ts';
import { baseUrl, bearer, requiredKey } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedItem, HostedProvider, ImageRules } from '../provider.ts';
import { taskOf } from '../tasks.ts';
import type { ProviderOptions } from './options.ts';

const PIXELS_PER_TOKEN = 560;
/** voyage-multimodal-3 has one size only. */
const FIXED_SIZE = new Set(['voyage-multimodal-3']);

const multimodalUsage = z.object({ usage: z.object({ total_tokens: z.number() }).nullish() });

/** https://docs.voyageai.com/reference: POST /v1/embeddings, and /v1/multimodalembeddings for models of images. */
export function voyage({ model, dimension, environment }: ProviderOptions): HostedProvider {
  const base = baseUrl(environment, 'VOYAGE_BASE_URL', 'https://api.voyageai.com/v1');
  const shared = {
    name: 'Voyage AI',
    headers: bearer(() => requiredKey('Voyage AI', environment, ...KEY_VARIABLES.voyage)),
  };
  const size = FIXED_SIZE.has(model) ? {} : { output_dimension: dimension };
  const counts = { maxItems: 1000, maxTokens: 300_000 };
  if (!model.startsWith('voyage-multimodal')) {
    return {
      ...shared,
      limits: { ...counts, goodItems: 96, maxBytes: 16 * 1024 * 1024, concurrency: 32 },
      request: (items, role) => ({
        url: `${base}/embeddings`,
        body: {
          model,
          input: items.map(({ text }) => text ?? ''),
          input_type: taskOf('voyage', model, role),
          truncation: true,
          ...size,
          output_dtype: 'float',
          encoding_format: 'base64',
        },
      }),
      parse: (answer, items) => single(answer, items),
    };
  }
  const images: ImageRules = {
    mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'],
    maxBytes: 20_000_000,
    maxPixels: 16_000_000,
    tokens: (pixels) => Math.ceil(pixels / PIXELS_PER_TOKEN),
  };
  return {
    ...shared,
    images,
    limits: { ...counts, goodItems: 64, maxBytes: 30_000_000, concurrency: 16 },
    request: (items, role) => ({
      url: `${base}/multimodalembeddings`,
      body: {
        model,
        inputs: items.map(({ text, image }) => ({
          content: [
            ...(text === undefined ? [] : [{ type: 'text', text }]),
            ...(image === undefined ? [] : [{ type: 'image_base64', image_base64: dataUri(image) }]),
          ],
        })),
        input_type: taskOf('voyage', model, role),
        truncation: true,
        ...size,
      },
    }),
    parse: (answer, items) => {
      const tokens = shaped(multimodalUsage, answer).usage?.total_tokens;
      return { ...single(answer, items), ...(tokens !== undefined && { tokens }) };
    },
  };
}

function single(answer: unknown, items: readonly HostedItem[]): ReturnType<HostedProvider['parse']> {
  const { vectors, ...counts } = readListed(answer, items.length);
  return { vectors: vectors.map((vector) => [vector]), ...counts };
}
