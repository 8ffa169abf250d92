import type { HostedPrice } from '../catalog/entry.ts';
import type { EmbedderUsage } from '../port.ts';

export type Price = Pick<HostedPrice, 'usdPerMillionTokens' | 'usdPerThousandImages'>;

/** Requests to be met before their own ratio of tokens to estimate is believed. */
const ENOUGH_REQUESTS = 8;
/** Until then: dense scripts and short texts have up to twice what is estimated. */
const CAUTIOUS_RATIO = 2;

/** What is billed, and whether a limit allows more. */
export class UsageMeter {
  readonly #price: Price | undefined;
  readonly #maxCostUsd: number;
  #requests = 0;
  #rateLimited = 0;
  #failed = 0;
  #tokens = 0;
  #images = 0;
  #inFlightTokens = 0;
  #inFlightImages = 0;
  /** The most tokens that a request had for each one that was estimated. */
  #worstRatio = 0;

  constructor(price: Price | undefined, maxCostUsd = Infinity) {
    this.#price = price;
    this.#maxCostUsd = maxCostUsd;
  }

  get usage(): EmbedderUsage {
    const costUsd = costOf(this.#price, this.#tokens, this.#images);
    return {
      requests: this.#requests,
      rateLimited: this.#rateLimited,
      failed: this.#failed,
      tokens: this.#tokens,
      images: this.#images,
      ...(costUsd !== undefined && { costUsd }),
    };
  }

  /** Whether a request of so many tokens, by estimate, would keep the cost below its limit, all in flight included. */
  allows(tokens: number, images: number): boolean {
    if (this.#maxCostUsd === Infinity) return true;
    const ratio = this.#requests < ENOUGH_REQUESTS ? Math.max(CAUTIOUS_RATIO, this.#worstRatio) : this.#worstRatio;
    const expected = costOf(
      this.#price,
      this.#tokens + (this.#inFlightTokens + tokens) * ratio,
      this.#images + this.#inFlightImages + images,
    );
    return expected !== undefined && expected <= this.#maxCostUsd;
  }

  sent(tokens: number, images: number): void {
    this.#inFlightTokens += tokens;
    this.#inFlightImages += images;
  }

  /** However it ended. */
  returned(tokens: number, images: number): void {
    this.sent(-tokens, -images);
  }

  answered(estimate: number, tokens: number, images: number): void {
    this.#requests++;
    this.#tokens += tokens;
    this.#images += images;
    this.#worstRatio = Math.max(this.#worstRatio, tokens / estimate);
  }

  rateLimited(): void {
    this.#rateLimited++;
  }

  failed(): void {
    this.#failed++;
  }
}

/** US dollars; undefined where the price is not known. */
export function costOf(price: Price | undefined, tokens: number, images: number): number | undefined {
  const { usdPerMillionTokens, usdPerThousandImages } = price ?? {};
  if (usdPerMillionTokens === undefined && usdPerThousandImages === undefined) return undefined;
  return ((usdPerMillionTokens ?? 0) * tokens) / 1e6 + ((usdPerThousandImages ?? 0) * images) / 1000;
}
