import { fileURLToPath } from 'node:url';
import { DEFAULT_MODEL } from './default-model.ts';
import type { CatalogEntry } from './entry.ts';

/** The package's `models/` folder: three levels up both from `src/models/catalog/` and from `dist/models/catalog/`. */
const packageModels = new URL('../../../models/', import.meta.url);

const CLIP_CARD = 'https://huggingface.co/openai/clip-vit-base-patch32';
const CLIP_ONNX = 'https://huggingface.co/Xenova/clip-vit-base-patch32';
const MINILM_CARD = 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2';

/** Every model that is known by name. */
export const catalogEntries: readonly CatalogEntry[] = [
  {
    name: DEFAULT_MODEL,
    aliases: ['sentence-transformers/all-MiniLM-L6-v2', 'minilm'],
    summary: 'English sentences and short paragraphs; small and fast; part of the package',
    kinds: ['text'],
    dimension: 384,
    maxTokens: 256,
    pooling: 'mean',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence: 'Apache-2.0',
    sources: {
      dimension: `${MINILM_CARD}/blob/main/config.json (hidden_size)`,
      maxTokens: `${MINILM_CARD}/blob/main/sentence_bert_config.json (max_seq_length)`,
      pooling: `${MINILM_CARD}/blob/main/1_Pooling/config.json`,
      normalise: `${MINILM_CARD}/blob/main/modules.json`,
      prefixes: MINILM_CARD,
      similarity: MINILM_CARD,
      licence: MINILM_CARD,
    },
    weights: {
      runtime: 'onnx',
      folder: fileURLToPath(new URL('all-MiniLM-L6-v2', packageModels)),
      graph: 'onnx/encoder.onnx',
      weightFiles: ['onnx/encoder.onnx', 'onnx/model.onnx'],
      dtype: 'fp32',
    },
  },
  {
    name: 'clip-vit-base-patch32',
    aliases: ['openai/clip-vit-base-patch32', 'Xenova/clip-vit-base-patch32', 'clip'],
    summary: 'images, found by words or by other images; its files are not part of the package',
    kinds: ['image'],
    dimension: 512,
    maxTokens: 77,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    // No licence is stated with the weights; the code they were published with is MIT.
    licence: 'unknown',
    sources: {
      dimension: `${CLIP_CARD}/blob/main/config.json (projection_dim)`,
      maxTokens: `${CLIP_CARD}/blob/main/config.json (text_config.max_position_embeddings)`,
      pooling: `${CLIP_ONNX}/tree/main/onnx (image_embeds)`,
      normalise: CLIP_CARD,
      similarity: CLIP_CARD,
      licence: CLIP_CARD,
    },
    weights: { runtime: 'hub', repository: 'Xenova/clip-vit-base-patch32', revision: 'main' },
  },
  {
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
  },
];
