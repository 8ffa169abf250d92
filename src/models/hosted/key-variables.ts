import type { HostedProvider } from '../catalog/entry.ts';

/** Where the key of each provider is looked for, first to last; a server of one's own may do without. */
export const KEY_VARIABLES = {
  jina: ['JINA_API_KEY'],
  voyage: ['VOYAGE_API_KEY'],
  cohere: ['COHERE_API_KEY', 'CO_API_KEY'],
  gemini: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  vertex: ['VERTEX_ACCESS_TOKEN', 'GOOGLE_OAUTH_ACCESS_TOKEN', 'CLOUDSDK_AUTH_ACCESS_TOKEN'],
  'openai-compatible': ['OPENAI_COMPATIBLE_API_KEY'],
  tei: ['TEI_API_KEY'],
  infinity: ['INFINITY_API_KEY'],
  ollama: ['OLLAMA_API_KEY'],
} as const satisfies Readonly<Record<HostedProvider, readonly string[]>>;
