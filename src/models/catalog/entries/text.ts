import { fileURLToPath } from 'node:url';
import { DEFAULT_MODEL } from '../default-model.ts';
import type { CatalogEntry, Matryoshka, Pooling } from '../entry.ts';

/** The package's `models/` folder: four levels up both from `src/models/catalog/entries/` and from `dist/…`. */
const packageModels = new URL('../../../../models/', import.meta.url);

interface TextModel {
  readonly name: string;
  /** `owner/name` of the repository that its authors keep: what the facts are from. */
  readonly authors: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly dimension: number;
  readonly matryoshka?: Matryoshka;
  readonly maxTokens: number;
  readonly pooling: Pooling;
  /** False where modules.json has no Normalize. */
  readonly normalise?: boolean;
  readonly prefixes?: { readonly document: string; readonly query: string };
  readonly licence: string;
}

/** Facts of a text model by the files in which a repository of sentence-transformers' layout states them. */
function factsOf(model: TextModel): Omit<CatalogEntry, 'weights'> {
  const { authors, prefixes = { document: '', query: '' }, normalise = true, aliases = [], ...facts } = model;
  const card = `https://huggingface.co/${authors}`;
  const file = `${card}/blob/main`;
  return {
    ...facts,
    aliases: [authors, ...aliases],
    kinds: ['text'],
    normalise,
    prefixes,
    similarity: 'cosine',
    sources: {
      dimension: `${file}/config.json`,
      maxTokens: `${file}/sentence_bert_config.json (max_seq_length)`,
      pooling: `${file}/1_Pooling/config.json`,
      normalise: `${file}/modules.json`,
      prefixes: card,
      similarity: card,
      licence: card,
      ...(model.matryoshka !== undefined && { dimensions: card }),
    },
  };
}

/** @param onnx the repository that is downloaded: the authors', or one of the same weights as ONNX. Its commit, where known, was read with the facts. */
function onHub(model: TextModel, onnx: string, revision = 'main'): CatalogEntry {
  const facts = factsOf(model);
  const aliases = facts.aliases.includes(onnx) ? facts.aliases : [...facts.aliases, onnx];
  return { ...facts, aliases, weights: { runtime: 'hub', repository: onnx, revision } };
}

/** The instruction that BGE's cards want before a query, and before nothing else. */
const BGE_PREFIXES = { document: '', query: 'Represent this sentence for searching relevant passages: ' };
const E5_PREFIXES = { document: 'passage: ', query: 'query: ' };

const miniLm: CatalogEntry = {
  ...factsOf({
    name: DEFAULT_MODEL,
    authors: 'sentence-transformers/all-MiniLM-L6-v2',
    aliases: ['minilm'],
    summary: 'English sentences and short paragraphs; small and fast; part of the package',
    dimension: 384,
    maxTokens: 256,
    pooling: 'mean',
    licence: 'Apache-2.0',
  }),
  weights: {
    runtime: 'onnx',
    folder: fileURLToPath(new URL('all-MiniLM-L6-v2', packageModels)),
    graph: 'onnx/encoder.onnx',
    weightFiles: ['onnx/encoder.onnx', 'onnx/model.onnx'],
    dtype: 'fp32',
  },
};

export const textEntries: readonly CatalogEntry[] = [
  miniLm,
  onHub(
    {
      name: 'all-mpnet-base-v2',
      authors: 'sentence-transformers/all-mpnet-base-v2',
      summary: 'English sentences and paragraphs; larger and better than all-MiniLM-L6-v2',
      dimension: 768,
      maxTokens: 384,
      pooling: 'mean',
      licence: 'Apache-2.0',
    },
    'Xenova/all-mpnet-base-v2',
  ),
  onHub(
    {
      name: 'paraphrase-multilingual-MiniLM-L12-v2',
      authors: 'sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2',
      summary: 'short texts in some 50 languages',
      dimension: 384,
      maxTokens: 128,
      pooling: 'mean',
      normalise: false,
      licence: 'Apache-2.0',
    },
    'Xenova/paraphrase-multilingual-MiniLM-L12-v2',
    'd56d66f3a4258284c268d113e0202d7ec9078f6c',
  ),
  ...(
    [
      ['small', 384, 'ea104dacec62c0de699686887e3f920caeb4f3e3'],
      ['base', 768, undefined],
      ['large', 1024, 'dfeef6070b90658e1b391a6940efdb0925c1de6f'],
    ] as const
  ).map(([size, dimension, revision]) =>
    onHub(
      {
        name: `bge-${size}-en-v1.5`,
        authors: `BAAI/bge-${size}-en-v1.5`,
        summary: `English passages, searched by questions (${size})`,
        dimension,
        maxTokens: 512,
        pooling: 'cls',
        prefixes: BGE_PREFIXES,
        licence: 'MIT',
      },
      `Xenova/bge-${size}-en-v1.5`,
      revision,
    ),
  ),
  ...(
    [
      ['small', 384, '02af79985278377e65c724a76275707cb0333c70'],
      ['base', 768, undefined],
      ['large', 1024, '840fd2207f68e253697ed85392a482ff7657ad11'],
    ] as const
  ).map(([size, dimension, revision]) =>
    onHub(
      {
        name: `e5-${size}-v2`,
        authors: `intfloat/e5-${size}-v2`,
        summary: `English passages, searched by questions (${size})`,
        dimension,
        maxTokens: 512,
        pooling: 'mean',
        prefixes: E5_PREFIXES,
        licence: 'MIT',
      },
      `Xenova/e5-${size}-v2`,
      revision,
    ),
  ),
  ...(
    [
      ['small', 384, '761b726dd34fb83930e26aab4e9ac3899aa1fa78'],
      ['base', 768, '1ec9243030a27d1a115d5c340572074c125b58b2'],
      ['large', 1024, undefined],
    ] as const
  ).map(([size, dimension, revision]) =>
    onHub(
      {
        name: `multilingual-e5-${size}`,
        authors: `intfloat/multilingual-e5-${size}`,
        summary: `passages in some 100 languages, searched by questions (${size})`,
        dimension,
        maxTokens: 512,
        pooling: 'mean',
        prefixes: E5_PREFIXES,
        licence: 'MIT',
      },
      `Xenova/multilingual-e5-${size}`,
      revision,
    ),
  ),
  ...(
    [
      ['small', 384, '5927d1727bb12db490052a1b33265ad78058de08'],
      ['base', 768, undefined],
      ['large', 1024, '06a8d51d496ebe830042b7323a904b4da81ac500'],
    ] as const
  ).map(([size, dimension, revision]) =>
    onHub(
      {
        name: `gte-${size}`,
        authors: `thenlper/gte-${size}`,
        summary: `English passages and questions alike, without a prefix (${size})`,
        dimension,
        maxTokens: 512,
        pooling: 'mean',
        licence: 'MIT',
      },
      `Xenova/gte-${size}`,
      revision,
    ),
  ),
  onHub(
    {
      name: 'nomic-embed-text-v1.5',
      authors: 'nomic-ai/nomic-embed-text-v1.5',
      summary: 'long English texts; vectors may be cut to 512, 256, 128 or 64 numbers',
      dimension: 768,
      matryoshka: { full: 768, shorter: [512, 256, 128, 64], layerNorm: true },
      maxTokens: 8192,
      pooling: 'mean',
      prefixes: { document: 'search_document: ', query: 'search_query: ' },
      licence: 'Apache-2.0',
    },
    'nomic-ai/nomic-embed-text-v1.5',
    'e9b6763023c676ca8431644204f50c2b100d9aab',
  ),
];
