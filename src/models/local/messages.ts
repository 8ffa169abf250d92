/** What the main thread and a worker say to each other. Typed arrays are transferred, not copied. */
import type { Padding, Pooling } from '../catalog/entry.ts';
import type { ImagePreprocessing, ImageSize } from '../catalog/image-preprocessing.ts';
import type { Device } from '../devices.ts';

/** The `workerData` of every worker. */
export interface WorkerSettings {
  readonly model: string;
  readonly graphPath: string;
  /** Of the vectors that are yielded. */
  readonly dimension: number;
  /** Of the vectors as the graph gives them, before they are cut. */
  readonly fullDimension: number;
  /** Whether they are layer-normalised before they are cut. */
  readonly layerNorm: boolean;
  readonly normalise: boolean;
  readonly device: Device;
  /** Of the session. */
  readonly threads: number;
}

/** The `workerData` of one that reads texts. */
export interface TextWorkerSettings extends WorkerSettings {
  readonly tokenizerPath: string;
  readonly tokenizerConfigPath: string;
  readonly maxTokens: number;
  readonly pooling: Pooling;
  /** Whether vectors of tokens are pooled here though the graph would do it, too. */
  readonly poolsTokens: boolean;
  /** Whether texts are lower-cased before the tokenizer sees them. */
  readonly lowerCase: boolean;
  readonly padTo?: Padding;
  /** The size of the images that the graph wants beside texts, and is given none of. */
  readonly emptyImage?: ImageSize;
}

/** The `workerData` of one that reads images. */
export interface ImageWorkerSettings extends WorkerSettings {
  readonly preprocessing: ImagePreprocessing;
}

export interface TokeniseRequest {
  readonly kind: 'tokenise';
  readonly id: number;
  readonly texts: readonly string[];
}

export interface EmbedRequest {
  readonly kind: 'embed';
  readonly id: number;
  /** Token ids of all rows, one row after the other, without padding. */
  readonly ids: Int32Array;
  /** (rows,) */
  readonly lengths: Uint32Array;
}

export interface EmbedImagesRequest {
  readonly kind: 'embed-images';
  readonly id: number;
  /** Encoded images, as they were published; copied. */
  readonly images: readonly Uint8Array[];
}

/** End when what runs is done. */
export interface CloseRequest {
  readonly kind: 'close';
}

export type TextRequest = TokeniseRequest | EmbedRequest;
export type WorkRequest = TextRequest | EmbedImagesRequest;

export interface TokenisedTexts {
  /** Token ids of all texts, one text after the other. */
  readonly ids: Int32Array;
  /** (texts,) */
  readonly lengths: Uint32Array;
  /** (texts,) */
  readonly truncated: Uint8Array;
  /** Texts that the tokenizer refused, by index, with its words. Their length is 0. */
  readonly refused: readonly (readonly [index: number, reason: string])[];
}

export interface EmbeddedRows {
  /** (rows, dimension) */
  readonly vectors: Float32Array;
  /** Rows whose vector is not finite or cannot be brought to length 1. */
  readonly unusable: readonly number[];
  /** Rows that could not be read; their vectors are zeros. */
  readonly refused?: readonly { readonly row: number; readonly code: string; readonly reason: string }[];
}

export type WorkerReply =
  /** `pads`: whether rows of unlike length may share a batch. */
  | { readonly kind: 'ready'; readonly pads: boolean }
  | { readonly kind: 'load-failed'; readonly reason: string }
  | ({ readonly kind: 'tokenised'; readonly id: number } & TokenisedTexts)
  | ({ readonly kind: 'embedded'; readonly id: number } & EmbeddedRows)
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };
