import type { InputKind } from '../../port.ts';
import type { CatalogEntry, HostedPrice, HostedProvider, Matryoshka } from '../entry.ts';

interface HostedModel {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly provider: HostedProvider;
  /** The API's name for it. */
  readonly model: string;
  readonly kinds: readonly InputKind[];
  /** Of what the API gives when no length is asked for. */
  readonly dimension: number;
  readonly matryoshka?: Matryoshka;
  readonly maxTokens: number;
  readonly licence?: string;
  /** The provider's page that states all of this. */
  readonly page: string;
  readonly price?: HostedPrice;
}

/** The role of a text (document or query) is told to the API: there is no prefix. Vectors are brought to length 1 here. */
function hosted(facts: HostedModel): CatalogEntry {
  const { provider, model, page, price, aliases = [], licence = 'by the terms of the provider', ...rest } = facts;
  return {
    ...rest,
    aliases,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence,
    sources: {
      dimension: page,
      maxTokens: page,
      similarity: page,
      ...(rest.matryoshka !== undefined && { dimensions: page }),
      ...(facts.licence !== undefined && { licence: page }),
    },
    weights: { runtime: 'hosted', provider, model, ...(price !== undefined && { price }) },
  };
}

/** As the page said on the day it was looked up; what an account really pays is its own matter. */
function price(usdPerMillionTokens: number, source: string): HostedPrice {
  return { usdPerMillionTokens, asOf: '2026-11-21', source };
}

const VOYAGE_LENGTHS: Matryoshka = { full: 2048, shorter: [1024, 512, 256] };
const BOTH = ['text', 'image'] as const;

export const hostedEntries: readonly CatalogEntry[] = [
  hosted({
    name: 'jina-clip-v2-hosted',
    aliases: ['jina/jina-clip-v2'],
    summary: "texts and images by Jina's API",
    provider: 'jina',
    model: 'jina-clip-v2',
    kinds: BOTH,
    dimension: 1024,
    matryoshka: { full: 1024, shorter: [768, 512, 256, 128, 64], least: 64 },
    maxTokens: 8192,
    licence: 'CC-BY-NC-4.0',
    page: 'https://jina.ai/models/jina-clip-v2/',
  }),
  hosted({
    name: 'jina-embeddings-v4',
    aliases: ['jina/jina-embeddings-v4'],
    summary: "texts and images by Jina's API",
    provider: 'jina',
    model: 'jina-embeddings-v4',
    kinds: BOTH,
    dimension: 2048,
    matryoshka: { full: 2048, shorter: [1024, 512, 256, 128] },
    maxTokens: 32_768,
    licence: 'Qwen Research License',
    page: 'https://jina.ai/models/jina-embeddings-v4/',
  }),
  hosted({
    name: 'voyage-multimodal-3',
    aliases: ['voyage_multimodal_3'],
    summary: "texts and images, one vector of both, by Voyage's API",
    provider: 'voyage',
    model: 'voyage-multimodal-3',
    kinds: BOTH,
    dimension: 1024,
    maxTokens: 32_000,
    page: 'https://docs.voyageai.com/docs/multimodal-embeddings',
  }),
  hosted({
    name: 'voyage-multimodal-3.5',
    summary: "texts and images, one vector of both, by Voyage's API",
    provider: 'voyage',
    model: 'voyage-multimodal-3.5',
    kinds: BOTH,
    dimension: 1024,
    matryoshka: VOYAGE_LENGTHS,
    maxTokens: 32_000,
    page: 'https://docs.voyageai.com/docs/multimodal-embeddings',
  }),
  hosted({
    name: 'voyage-3.5',
    summary: "texts by Voyage's API",
    provider: 'voyage',
    model: 'voyage-3.5',
    kinds: ['text'],
    dimension: 1024,
    matryoshka: VOYAGE_LENGTHS,
    maxTokens: 32_000,
    page: 'https://docs.voyageai.com/docs/embeddings',
  }),
  hosted({
    name: 'cohere-embed-v4',
    aliases: ['embed-v4.0', 'cohere_embed_4'],
    summary: "texts and images, one vector of both, by Cohere's API",
    provider: 'cohere',
    model: 'embed-v4.0',
    kinds: BOTH,
    dimension: 1536,
    matryoshka: { full: 1536, shorter: [1024, 512, 256] },
    maxTokens: 128_000,
    page: 'https://docs.cohere.com/docs/cohere-embed',
  }),
  hosted({
    name: 'google-multimodalembedding',
    aliases: ['multimodalembedding@001', 'google_vertex_multimodal'],
    summary: 'images and very short texts by Google Vertex AI',
    provider: 'vertex',
    model: 'multimodalembedding@001',
    kinds: BOTH,
    dimension: 1408,
    matryoshka: { full: 1408, shorter: [512, 256, 128] },
    maxTokens: 32,
    page: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-multimodal-embeddings',
  }),
  hosted({
    name: 'gemini-embedding-001',
    aliases: ['gemini-embedding'],
    summary: "texts in some 100 languages by Google's Gemini API",
    provider: 'gemini',
    model: 'gemini-embedding-001',
    kinds: ['text'],
    dimension: 3072,
    matryoshka: { full: 3072, shorter: [1536, 768], least: 128 },
    maxTokens: 2048,
    page: 'https://ai.google.dev/gemini-api/docs/models/gemini-embedding-001',
    price: price(0.15, 'https://developers.googleblog.com/en/gemini-embedding-available-gemini-api/'),
  }),
  hosted({
    name: 'text-embedding-3-small',
    aliases: ['openai/text-embedding-3-small'],
    summary: "texts by OpenAI's API",
    provider: 'openai',
    model: 'text-embedding-3-small',
    kinds: ['text'],
    dimension: 1536,
    matryoshka: { full: 1536, shorter: [512], least: 1 },
    maxTokens: 8192,
    page: 'https://platform.openai.com/docs/guides/embeddings',
    price: price(0.02, 'https://developers.openai.com/api/docs/models/text-embedding-3-large'),
  }),
  hosted({
    name: 'text-embedding-3-large',
    aliases: ['openai/text-embedding-3-large'],
    summary: "texts by OpenAI's API; larger",
    provider: 'openai',
    model: 'text-embedding-3-large',
    kinds: ['text'],
    dimension: 3072,
    matryoshka: { full: 3072, shorter: [1024, 256], least: 1 },
    maxTokens: 8192,
    page: 'https://platform.openai.com/docs/guides/embeddings',
    price: price(0.13, 'https://developers.openai.com/api/docs/models/text-embedding-3-large'),
  }),
];
