import type { InputKind } from '../port.ts';
import type { ImagePreprocessing } from './image-preprocessing.ts';

/** How token vectors become one vector: their mean over the input's tokens, the first token's, or within the graph. */
export type Pooling = 'mean' | 'cls' | 'graph';
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
  readonly dimension: number;
  /** Of a text, special tokens included; a model that reads images alone counts their patches. */
  readonly maxTokens: number;
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

/** Weights that are not part of the package: a model folder of this name has to be given. */
export interface AbsentWeights {
  readonly runtime: 'absent';
  /** Where they are published. */
  readonly page: string;
  /** What the folder needs of it. */
  readonly files: readonly string[];
}

/** No weights: the vector is made from the text's hash. */
export interface HashedWeights {
  readonly runtime: 'hashed';
}

export interface CatalogEntry extends ModelFacts {
  readonly weights: OnnxWeights | VisionWeights | HashedWeights | AbsentWeights;
}
