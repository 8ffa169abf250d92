import { fileURLToPath } from 'node:url';
import { DEFAULT_MODEL } from './default-model.ts';
import type { CatalogEntry } from './entry.ts';

/** The package's `models/` folder: three levels up both from `src/models/catalog/` and from `dist/models/catalog/`. */
const packageModels = new URL('../../../models/', import.meta.url);

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
