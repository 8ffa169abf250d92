import type { PipelineError } from '../errors.ts';
import type { ModelFingerprint } from '../record/types.ts';

export type InputKind = 'text' | 'image';

/** What is known of a model before and after it is loaded. */
export interface ModelInfo {
  /** The name a user gives with `--model`, and the `<model>` of its topics. */
  readonly name: string;
  /** The parts of a record that it reads: what the content hash is made of. */
  readonly kinds: readonly InputKind[];
  /** What a query may be; left out: what a record's part may be. */
  readonly queryKinds?: readonly InputKind[];
  readonly dimension: number;
  /** Longer inputs are truncated to this many tokens, special tokens included. */
  readonly maxTokens: number;
  readonly fingerprint: ModelFingerprint;
}

export interface EmbedInput {
  readonly text?: string;
  readonly image?: { readonly mime: string; readonly bytes: Uint8Array };
}

export interface EmbedOptions {
  readonly signal?: AbortSignal;
  /** Some models read documents and queries differently. Default `document`. */
  readonly as?: 'document' | 'query';
}

export interface EmbedResult {
  /** (N, D) float32, row i for input i; a row whose input is in `faults` is all zeros. */
  readonly vectors: Float32Array;
  /** (N,) tokens the model saw, special tokens included; of an image, its patches. */
  readonly tokenCounts: Uint32Array;
  /** (N,) 1 where the input was longer than the model reads. */
  readonly truncated: Uint8Array;
  /** Inputs that can't be embedded, by index; each error has `poison` set. */
  readonly faults: ReadonlyMap<number, PipelineError>;
}

/** What a model behind an API was asked since it was loaded, and what is billed for it. */
export interface EmbedderUsage {
  /** Answered with vectors. */
  readonly requests: number;
  /** Put off by a rate limit (429), and made again. */
  readonly rateLimited: number;
  /** Failed by the network or the provider, and made again. */
  readonly failed: number;
  /** As the provider counts; what it doesn't count is estimated. */
  readonly tokens: number;
  /** Where a provider bills images apart from tokens. */
  readonly images: number;
  /** US dollars; left out where the price is not known. */
  readonly costUsd?: number;
}

/**
 * The model port. `embed` may be called again before an earlier call has resolved (a caller keeps two or three
 * windows in flight so that no worker waits); each call is answered in its own input order. It rejects only for
 * faults of the world, never for one input's data. Results do not depend on how inputs were batched beyond
 * floating-point noise (cosine >= 0.99999).
 */
export interface Embedder {
  readonly info: ModelInfo;
  /** Inputs that make good batches when given in one call. */
  readonly windowSize: number;
  /** How many of them a caller keeps before it. Default 3; a model behind an API wants one for each request at a time. */
  readonly windowsInFlight?: number;
  embed(inputs: readonly EmbedInput[], options?: EmbedOptions): Promise<EmbedResult>;
  /** Models behind an API have it. */
  usage?(): EmbedderUsage;
  close(): Promise<void>;
}
