import type { LongText } from '../long-text.ts';
import type { InputKind } from '../port.ts';
import type { ImagePreprocessing, ImageSize } from './image-preprocessing.ts';

/**
 * How token vectors become one vector: their mean over the input's tokens, the first token's, the last token's, or
 * within the graph (or behind an API).
 */
export type Pooling = 'mean' | 'cls' | 'last' | 'graph';
export type Similarity = 'cosine' | 'dot' | 'euclidean';

/** Facts about a model, each with where it is stated in `sources`. */
export interface ModelFacts {
  /** The name a user gives with `--model`; letters, digits, `.`, `_`, `-` only, since topics carry it. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** One line for `embedstream models`. */
  readonly summary: string;
  /** The parts of a record that it reads. */
  readonly kinds: readonly InputKind[];
  /** Of the vectors that are yielded. */
  readonly dimension: number;
  /** Where the model was trained so that the first numbers of a vector are a vector, too. */
  readonly matryoshka?: Matryoshka;
  /** Of a text, special tokens included; a model that reads images alone counts their patches. */
  readonly maxTokens: number;
  /** What becomes of longer texts. Default `truncate`. */
  readonly longText?: LongText;
  readonly pooling: Pooling;
  readonly normalise: boolean;
  /** Put before each text as it is embedded, by its role. */
  readonly prefixes: { readonly document: string; readonly query: string };
  /** What nearness of two vectors is measured by. */
  readonly similarity: Similarity;
  /** SPDX identifier, or `unknown` for a folder of the user's own. */
  readonly licence: string;
  /** Fact to the page or file that states it. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Vectors that may be cut to fewer numbers, and are brought to length 1 again then. */
export interface Matryoshka {
  /** What the model gives when nothing is cut. */
  readonly full: number;
  /** What may be asked for with `--dimensions`, largest first; `full` is not among them. */
  readonly shorter: readonly number[];
  /** Set where any number from this one up to `full` will do, `shorter` being what its authors recommend. */
  readonly least?: number;
  /** Whether a vector is layer-normalised (no weights, epsilon 1e-5) before it is cut. */
  readonly layerNorm?: boolean;
}

/** An ONNX model in a folder: what {@link createLocalEmbedder} runs. */
export interface OnnxWeights {
  readonly runtime: 'onnx';
  /** Absolute path. */
  readonly folder: string;
  /** The graph to run, relative to the folder. */
  readonly graph: string;
  /** Every file that decides the vectors, the graph included; they are hashed into the fingerprint. */
  readonly weightFiles: readonly string[];
  /** Arithmetic of the graph; part of the fingerprint. */
  readonly dtype: string;
  /** Whether texts are lower-cased before the tokenizer sees them. */
  readonly lowerCase?: boolean;
  /** Set where the graph wants every text brought to the same number of tokens, and no mask. */
  readonly padTo?: Padding;
  /** Set where token vectors are to be pooled here though the graph would do it, too. */
  readonly poolsTokens?: boolean;
  /** Set where one graph is for texts and images of this size, and wants both. */
  readonly emptyImage?: ImageSize;
}

export interface Padding {
  /** Tokens, special tokens included. */
  readonly length: number;
  /** Id of the token to fill with. */
  readonly id: number;
}

/** A vision tower in a folder: what {@link createImageEmbedder} runs. */
export interface VisionWeights extends Omit<OnnxWeights, 'runtime'> {
  readonly runtime: 'onnx-vision';
  readonly preprocessing: ImagePreprocessing;
  /** Patches of an image, and the class token where there is one. */
  readonly tokensPerImage: number;
  /** Of the same model, for queries; not part of the fingerprint, since no record is embedded by it. */
  readonly textTower?: TextTowerWeights;
}

export interface TextTowerWeights {
  readonly maxTokens: number;
  readonly weights: OnnxWeights;
}

/** Files of a repository of the Hugging Face hub: downloaded where a model is to be loaded, see src/models/hub. */
export interface HubWeights {
  readonly runtime: 'hub';
  /** `owner/name` */
  readonly repository: string;
  /** Commit (40 hex digits), branch or tag; what the facts were read from, where that is a commit. */
  readonly revision: string;
}

/** A model behind an API: what src/models/hosted runs. */
export interface HostedWeights {
  readonly runtime: 'hosted';
  readonly provider: HostedProvider;
  /** The API's name for the model. */
  readonly model: string;
  /** Which weights a server of one's own says that it runs. */
  readonly revision?: string;
  /** Most inputs in a request, where a server says. */
  readonly maxItems?: number;
  readonly price?: HostedPrice;
}

export type HostedProvider =
  'jina' | 'voyage' | 'cohere' | 'vertex' | 'gemini' | 'openai' | 'openai-compatible' | 'tei' | 'infinity' | 'ollama';

/** What a provider takes; left out: not known. */
export interface HostedPrice {
  readonly usdPerMillionTokens?: number;
  readonly usdPerThousandImages?: number;
  /** Day on which it was looked up, YYYY-MM-DD. */
  readonly asOf: string;
  readonly source: string;
}

/** No weights: the vector is made from the text's hash. */
export interface HashedWeights {
  readonly runtime: 'hashed';
}

export interface CatalogEntry extends ModelFacts {
  readonly weights: OnnxWeights | VisionWeights | HashedWeights | HubWeights | HostedWeights;
}
