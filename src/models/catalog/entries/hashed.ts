import type { CatalogEntry } from '../entry.ts';

export const hashedEntry: CatalogEntry = {
  name: 'hashed-384',
  aliases: [],
  summary: 'costs nothing: vectors from a hash of the text, to measure and test the pipeline; of no use for search',
  kinds: ['text'],
  dimension: 384,
  maxTokens: 2 ** 31 - 1,
  pooling: 'mean',
  normalise: true,
  prefixes: { document: '', query: '' },
  similarity: 'cosine',
  licence: 'Apache-2.0',
  sources: { dimension: 'src/models/hashed/hashed-embedder.ts' },
  weights: { runtime: 'hashed' },
};
