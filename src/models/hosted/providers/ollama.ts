import { z } from 'zod';
import { rawVector, shaped } from '../answer-shape.ts';
import { baseUrl, bearer, setting } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import type { ProviderOptions } from './options.ts';

const answerShape = z.object({ embeddings: z.array(rawVector), prompt_eval_count: z.number().nullish() });

/** https://github.com/ollama/ollama/blob/main/docs/api.md, POST /api/embed. */
export function ollama(options: ProviderOptions): HostedProvider {
  const { model, dimension, isShorter, environment, maxItems = 64 } = options;
  const base = baseUrl(environment, 'OLLAMA_BASE_URL', 'http://127.0.0.1:11434');
  return {
    name: `The Ollama server at ${new URL(base).host}`,
    limits: {
      maxItems,
      goodItems: Math.min(32, maxItems),
      maxTokens: 1_000_000,
      maxBytes: 16 * 1024 * 1024,
      concurrency: 4,
    },
    headers: bearer(() => setting(environment, ...KEY_VARIABLES.ollama)),
    request: (items) => ({
      url: `${base}/api/embed`,
      body: {
        model,
        input: items.map(({ text }) => text ?? ''),
        truncate: true,
        ...(isShorter === true && { dimensions: dimension }),
      },
    }),
    parse: (answer) => {
      const { embeddings, prompt_eval_count: tokens } = shaped(answerShape, answer);
      return { vectors: embeddings.map((vector) => [vector]), ...(typeof tokens === 'number' && { tokens }) };
    },
  };
}
