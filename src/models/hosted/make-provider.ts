import type { HostedProvider as ProviderName } from '../catalog/entry.ts';
import type { HttpConnection } from './http-connection.ts';
import type { HostedProvider } from './provider.ts';
import { cohere } from './providers/cohere.ts';
import { gemini } from './providers/gemini.ts';
import { infinity } from './providers/infinity.ts';
import { jina } from './providers/jina.ts';
import { ollama } from './providers/ollama.ts';
import { openai, openaiCompatible } from './providers/openai.ts';
import type { ProviderOptions } from './providers/options.ts';
import { tei } from './providers/tei.ts';
import { vertex } from './providers/vertex.ts';
import { voyage } from './providers/voyage.ts';

const PROVIDERS: Readonly<
  Record<ProviderName, (options: ProviderOptions, connection: HttpConnection) => HostedProvider>
> = { jina, voyage, cohere, vertex, gemini, openai, 'openai-compatible': openaiCompatible, tei, infinity, ollama };

/** @throws UsageError where a key or an address is missing. */
export function makeProvider(name: ProviderName, options: ProviderOptions, connection: HttpConnection): HostedProvider {
  return PROVIDERS[name](options, connection);
}
