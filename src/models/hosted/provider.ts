/**
 * What differs between providers; everything else is shared. The scheduler calls `headers`, `request`, and `parse` on
 * what comes back, any number of requests at a time. None of them does more than that: limits, retries and checks of
 * vectors are the scheduler's.
 */
export interface HostedProvider {
  /** For messages: "Voyage AI". */
  readonly name: string;
  readonly limits: RequestLimits;
  /** Left out: it takes no images. */
  readonly images?: ImageRules;
  /**
   * Credentials. May ask for a token that is kept until it expires.
   *
   * @throws PipelineError when there are none to be had.
   */
  headers(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Called when a request was refused as not authorised: whether other credentials can be had by asking again. */
  renew?(): boolean;
  request(items: readonly HostedItem[], role: Role): HostedRequest;
  /** @throws AnswerFault where the answer is not of the documented form. */
  parse(answer: unknown, items: readonly HostedItem[], headers: ResponseHeaders): HostedAnswer;
}

export type Role = 'document' | 'query';
export type ResponseHeaders = Readonly<Record<string, string>>;

/** One input: a text, an image, or both for one vector. */
export interface HostedItem {
  readonly text?: string;
  readonly image?: HostedImage;
}

export interface HostedImage {
  /** What the bytes are, whatever the record says. */
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly pixels: number;
}

export interface RequestLimits {
  /** Most inputs in one request. */
  readonly maxItems: number;
  /** Inputs in one request as long as requests are not what is short: many small ones side by side are faster. */
  readonly goodItems: number;
  /** Most tokens in one request, by estimate. */
  readonly maxTokens: number;
  /** Most bytes of one request's body. */
  readonly maxBytes: number;
  /** Whether a text and an image of one input are sent as two. */
  readonly partsApart?: boolean;
  /** Most requests at a time, unless the user says otherwise. */
  readonly concurrency: number;
}

export interface ImageRules {
  /** Other formats are converted to JPEG. */
  readonly mimes: readonly string[];
  /** Larger ones are made smaller. */
  readonly maxBytes: number;
  readonly maxPixels: number;
  /** What an image counts as, for limits and estimates. */
  tokens(pixels: number): number;
}

export interface HostedRequest {
  readonly url: string;
  readonly body: unknown;
}

/** As it came: numbers, or float32 little-endian in base64. */
export type RawVector = readonly unknown[] | string;

export interface HostedAnswer {
  /** For each input, in order, its vector; more than one where parts were sent apart: they are averaged. */
  readonly vectors: readonly (readonly RawVector[])[];
  /** As billed, where the provider says. */
  readonly tokens?: number;
  /** Where images are billed apart from tokens. */
  readonly images?: number;
}

/** An answer that is not what the provider documents: cut, malformed, or of a wrong count. */
export class AnswerFault extends Error {}
