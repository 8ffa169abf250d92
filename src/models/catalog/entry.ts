import type { InputKind } from '../port.ts';

/** How token vectors become one vector: their mean over the input's tokens, or the first token's. */
export type Pooling = 'mean' | 'cls';
export type Similarity = 'cosine' | 'dot' | 'euclidean';

/** Facts about a model, each with where it is stated in `sources`. */
export interface ModelFacts {
  /** The name a user gives with `--model`; letters, digits, `.`, `_`, `-` only, since topics carry it. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** One line for `embedstream models`. */
  readonly summary: string;
  readonly kinds: readonly InputKind[];
  readonly dimension: number;
  /** Special tokens included. */
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

/** No weights: the vector is made from the text's hash. */
export interface HashedWeights {
  readonly runtime: 'hashed';
}

export interface CatalogEntry extends ModelFacts {
  readonly weights: OnnxWeights | HashedWeights;
}
