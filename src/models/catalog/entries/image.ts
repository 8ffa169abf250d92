import type { CatalogEntry } from '../entry.ts';

interface ClipModel {
  readonly name: string;
  readonly authors: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly dimension: number;
}

function clip({ name, authors, aliases, summary, dimension }: ClipModel): CatalogEntry {
  const card = `https://huggingface.co/${authors}`;
  const onnx = `Xenova/${name}`;
  return {
    name,
    aliases: [authors, onnx, ...aliases],
    summary,
    kinds: ['image'],
    dimension,
    maxTokens: 77,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    // No licence is stated with the weights; the code they were published with is MIT.
    licence: 'unknown',
    sources: {
      dimension: `${card}/blob/main/config.json (projection_dim)`,
      maxTokens: `${card}/blob/main/config.json (text_config.max_position_embeddings)`,
      pooling: `https://huggingface.co/${onnx}/tree/main/onnx (image_embeds)`,
      normalise: card,
      similarity: card,
      licence: card,
    },
    weights: { runtime: 'hub', repository: onnx, revision: 'main' },
  };
}

const SIGLIP = 'https://huggingface.co/google/siglip-base-patch16-224';
const JINA_CLIP = 'https://huggingface.co/jinaai/jina-clip-v2';

export const imageEntries: readonly CatalogEntry[] = [
  clip({
    name: 'clip-vit-base-patch32',
    authors: 'openai/clip-vit-base-patch32',
    aliases: ['clip'],
    summary: 'images, found by words or by other images; small and fast',
    dimension: 512,
  }),
  clip({
    name: 'clip-vit-large-patch14',
    authors: 'openai/clip-vit-large-patch14',
    aliases: [],
    summary: 'images, found by words or by other images; some ten times the work of clip-vit-base-patch32',
    dimension: 768,
  }),
  {
    name: 'siglip-base-patch16-224',
    aliases: ['google/siglip-base-patch16-224', 'Xenova/siglip-base-patch16-224', 'siglip'],
    summary: 'images, found by words or by other images',
    kinds: ['image'],
    dimension: 768,
    maxTokens: 64,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence: 'Apache-2.0',
    sources: {
      dimension: `${SIGLIP}/blob/main/config.json (vision_config.hidden_size, whose default is 768)`,
      maxTokens: `${SIGLIP} (padding="max_length", which is 64)`,
      pooling: 'https://huggingface.co/Xenova/siglip-base-patch16-224/tree/main/onnx (pooler_output)',
      normalise: SIGLIP,
      similarity: SIGLIP,
      licence: SIGLIP,
    },
    weights: { runtime: 'hub', repository: 'Xenova/siglip-base-patch16-224', revision: 'main' },
  },
  {
    name: 'jina-clip-v2',
    aliases: ['jinaai/jina-clip-v2', 'jina_clip_v2'],
    summary: 'texts in 89 languages and images, in one space; not for commercial use',
    kinds: ['text', 'image'],
    dimension: 1024,
    matryoshka: { full: 1024, shorter: [768, 512, 256, 128, 64], least: 64 },
    maxTokens: 8192,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: 'Represent the query for retrieving evidence documents: ' },
    similarity: 'cosine',
    licence: 'CC-BY-NC-4.0',
    sources: {
      dimension: JINA_CLIP,
      dimensions: JINA_CLIP,
      maxTokens: JINA_CLIP,
      pooling: `${JINA_CLIP}/tree/main/onnx (l2norm_text_embeddings, l2norm_image_embeddings)`,
      normalise: JINA_CLIP,
      prefixes: `${JINA_CLIP}/blob/main/config.json (text_config: task_instructions, retrieval.query)`,
      similarity: JINA_CLIP,
      licence: JINA_CLIP,
    },
    weights: {
      runtime: 'hub',
      repository: 'jinaai/jina-clip-v2',
      revision: '344d954da76eb8ad47a7aaff42d012e30c15b8fe',
    },
  },
];
