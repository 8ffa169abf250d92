import type { HostedProvider } from '../catalog/entry.ts';
import type { Role } from './provider.ts';

/** Moves whenever the same text would be sent otherwise; part of the fingerprint. */
export const HOSTED_PREPROCESSING_VERSION = 'hosted-1';

type Tasks = Readonly<Record<Role, string>>;

const TASKS: Partial<Readonly<Record<HostedProvider, Tasks>>> = {
  jina: { document: 'retrieval.passage', query: 'retrieval.query' },
  voyage: { document: 'document', query: 'query' },
  cohere: { document: 'search_document', query: 'search_query' },
  gemini: { document: 'RETRIEVAL_DOCUMENT', query: 'RETRIEVAL_QUERY' },
};

/** What a provider calls an input's role, where it asks for it. */
export function taskOf(provider: HostedProvider, model: string, role: Role): string | undefined {
  // It has one for queries only.
  if (model === 'jina-clip-v2' && role === 'document') return undefined;
  return TASKS[provider]?.[role];
}
