/** What the main thread and an embedding worker say to each other. Typed arrays are transferred, not copied. */
import type { Pooling } from '../catalog/entry.ts';

/** The worker's `workerData`. */
export interface WorkerSettings {
  readonly model: string;
  readonly graphPath: string;
  readonly tokenizerPath: string;
  readonly tokenizerConfigPath: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly normalise: boolean;
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

/** End when what runs is done. */
export interface CloseRequest {
  readonly kind: 'close';
}

export type WorkerRequest = TokeniseRequest | EmbedRequest | CloseRequest;

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
}

export type WorkerReply =
  | { readonly kind: 'ready'; readonly pads: boolean }
  | { readonly kind: 'load-failed'; readonly reason: string }
  | ({ readonly kind: 'tokenised'; readonly id: number } & TokenisedTexts)
  | ({ readonly kind: 'embedded'; readonly id: number } & EmbeddedRows)
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };
