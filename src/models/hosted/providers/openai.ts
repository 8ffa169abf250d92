import { readListed } from '../answer-shape.ts';
import { baseUrl, bearer, requiredKey, setting } from '../environment.ts';
import { KEY_VARIABLES } from '../key-variables.ts';
import type { HostedProvider } from '../provider.ts';
import type { ProviderOptions } from './options.ts';

/** https://platform.openai.com/docs/api-reference/embeddings. Long texts are refused, and then cut here. */
export function openai({ model, dimension, environment }: ProviderOptions): HostedProvider {
  return {
    name: 'OpenAI',
    limits: { maxItems: 2048, goodItems: 96, maxTokens: 300_000, maxBytes: 16 * 1024 * 1024, concurrency: 32 },
    headers: bearer(() => requiredKey('OpenAI', environment, ...KEY_VARIABLES.openai)),
    ...embeddingsOf(`${baseUrl(environment, 'OPENAI_BASE_URL', 'https://api.openai.com/v1')}/embeddings`, {
      model,
      // A tenth of the bytes and of the parsing of decimal digits.
      encoding_format: 'base64',
      ...(model !== 'text-embedding-ada-002' && { dimensions: dimension }),
    }),
  };
}

/** Any server that speaks the same: vLLM, llama.cpp, LM Studio, LocalAI, LiteLLM, Together, Mistral … */
export function openaiCompatible(options: ProviderOptions): HostedProvider {
  const { model, dimension, isShorter, environment, maxItems = 64 } = options;
  const base = baseUrl(environment, 'OPENAI_COMPATIBLE_BASE_URL');
  return {
    name: `The server at ${new URL(base).host}`,
    limits: { maxItems, goodItems: maxItems, maxTokens: 300_000, maxBytes: 16 * 1024 * 1024, concurrency: 16 },
    headers: bearer(() => setting(environment, ...KEY_VARIABLES['openai-compatible'])),
    ...embeddingsOf(`${base}/embeddings`, {
      model,
      // Not all of them know base64, and some refuse `dimensions`.
      encoding_format: 'float',
      ...(isShorter === true && { dimensions: dimension }),
    }),
  };
}

function embeddingsOf(
  url: string,
  settings: Readonly<Record<string, unknown>>,
): Pick<HostedProvider, 'request' | 'parse'> {
  return {
    request: (items) => ({ url, body: { ...settings, input: items.map(({ text }) => text ?? '') } }),
    parse: (answer, items) => {
      const { vectors, ...counts } = readListed(answer, items.length);
      return { vectors: vectors.map((vector) => [vector]), ...counts };
    },
  };
}
