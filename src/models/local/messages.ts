/** What the main thread and a worker say to each other. Typed arrays are transferred, not copied. */
import type { Padding, Pooling } from '../catalog/entry.ts';
import type { ImagePreprocessing, ImageSize } from '../catalog/image-preprocessing.ts';
import type { Device } from '../devices.ts';
import type { LongText } from '../long-text.ts';

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
  /** What each of them begins with. */
  readonly prefix: string;
  readonly longText: LongText;
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
  /** Token ids of all rows, one row after the other. */
  readonly ids: Int32Array;
  /** (rows,) */
  readonly lengths: Uint32Array;
  /** (rows,) tokens of the text in it: what the row counts for in the vector of a text with several. */
  readonly weights: Uint32Array;
  /** (texts,) rows of each: several where it is embedded in windows, none where it is refused. */
  readonly rows: Uint32Array;
  /** (texts,) */
  readonly truncated: Uint8Array;
  /** Texts that are not embedded, by index, with the reason and, where it is not the tokenizer's, its code. */
  readonly refused: readonly (readonly [index: number, reason: string, code?: string | undefined])[];
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
