import { z } from 'zod';
import { rawVector, shaped } from '../answer-shape.ts';
import { baseUrl, requiredKey } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import { taskOf } from '../tasks.ts';
import type { ProviderOptions } from './options.ts';

const answerShape = z.object({ embeddings: z.array(z.object({ values: rawVector })) });

/** https://ai.google.dev/api/embeddings, models.batchEmbedContents. It says nothing of tokens: they are estimated. */
export function gemini({ model, dimension, environment }: ProviderOptions): HostedProvider {
  const base = baseUrl(environment, 'GEMINI_BASE_URL', 'https://generativelanguage.googleapis.com/v1beta');
  return {
    name: 'The Gemini API',
    limits: { maxItems: 100, goodItems: 100, maxTokens: 200_000, maxBytes: 8 * 1024 * 1024, concurrency: 16 },
    headers: async () => {
      const key = requiredKey('The Gemini API', environment, ...KEY_VARIABLES.gemini);
      return Promise.resolve({ 'x-goog-api-key': key });
    },
    request: (items, role) => ({
      url: `${base}/models/${model}:batchEmbedContents`,
      body: {
        requests: items.map(({ text }) => ({
          model: `models/${model}`,
          content: { parts: [{ text: text ?? '' }] },
          taskType: taskOf('gemini', model, role),
          outputDimensionality: dimension,
        })),
      },
    }),
    parse: (answer) => ({ vectors: shaped(answerShape, answer).embeddings.map(({ values }) => [values]) }),
  };
}
