import { z } from 'zod';
import { rawVector, shaped } from '../answer-shape.ts';
import { dataUri } from '../data-uri.ts';
import { baseUrl, bearer, requiredKey } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import { taskOf } from '../tasks.ts';
import type { ProviderOptions } from './options.ts';

const answerShape = z.object({
  embeddings: z.object({ float: z.array(rawVector) }),
  meta: z
    .object({
      billed_units: z.object({ input_tokens: z.number().nullish(), image_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
});

/** https://docs.cohere.com/reference/embed, POST /v2/embed; `inputs` joins a text and an image to one vector. */
export function cohere({ model, dimension, environment }: ProviderOptions): HostedProvider {
  const url = `${baseUrl(environment, 'COHERE_BASE_URL', 'https://api.cohere.com/v2')}/embed`;
  return {
    name: 'Cohere',
    limits: { maxItems: 96, goodItems: 96, maxTokens: 1_000_000, maxBytes: 20_000_000, concurrency: 16 },
    images: {
      mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'],
      maxBytes: 5_000_000,
      // Larger ones are scaled down to this by the API; patches of 28 × 28 pixels.
      maxPixels: 2_458_624,
      tokens: (pixels) => Math.ceil(pixels / (28 * 28)),
    },
    headers: bearer(() => requiredKey('Cohere', environment, ...KEY_VARIABLES.cohere)),
    request: (items, role) => ({
      url,
      body: {
        model,
        input_type: taskOf('cohere', model, role),
        inputs: items.map(({ text, image }) => ({
          content: [
            ...(text === undefined ? [] : [{ type: 'text', text }]),
            ...(image === undefined ? [] : [{ type: 'image_url', image_url: { url: dataUri(image) } }]),
          ],
        })),
        embedding_types: ['float'],
        output_dimension: dimension,
        truncate: 'END',
      },
    }),
    parse: (answer) => {
      const { embeddings, meta } = shaped(answerShape, answer);
      const units = meta?.billed_units;
      const tokens = (units?.input_tokens ?? 0) + (units?.image_tokens ?? 0);
      return { vectors: embeddings.float.map((vector) => [vector]), ...(tokens > 0 && { tokens }) };
    },
  };
}
