import type { HostedWeights, ModelFacts } from '../catalog/entry.ts';
import type { Embedder, EmbedInput, EmbedOptions, EmbedResult, ModelInfo } from '../port.ts';
import type { Environment } from './environment.ts';
import { openConnection } from './http-connection.ts';
import type { HostedOptions } from './hosted-options.ts';
import { makeProvider } from './make-provider.ts';
import type { HostedProvider, RequestLimits } from './provider.ts';
import { estimateTokens } from './token-estimate.ts';
import { costOf, type Price } from './usage-meter.ts';

/** What is left to do for a model, as far as it can be known without doing it. */
export interface WorkEstimate {
  readonly inputs: number;
  /** At 4 bytes of UTF-8 each, and what the provider says of images. */
  readonly tokens: number;
  readonly images: number;
  /** Left out for local models. */
  readonly requests?: number;
  /** At the limits that were given; left out where none was. */
  readonly seconds?: number;
  /** US dollars; left out where the price is not known. */
  readonly costUsd?: number;
}

/** A request as it fills. */
interface Filling {
  items: number;
  tokens: number;
  bytes: number;
}

/** With fewer requests a minute than these, each holds as much as it may. */
const FEW_REQUESTS = 300;

/**
 * Takes the place of a model and counts what it would be sent; its vectors are all zeros. Nothing is sent, and no key is
 * needed.
 */
export class WorkEstimator implements Embedder {
  readonly info: ModelInfo;
  readonly windowSize = 512;
  readonly #prefix: string;
  readonly #provider: HostedProvider | undefined;
  readonly #price: Price | undefined;
  readonly #options: HostedOptions;
  #inputs = 0;
  #tokens = 0;
  #images = 0;
  #requests = 0;
  #filling: Filling = { items: 0, tokens: 0, bytes: 0 };

  /** `weights` are left out for a local model. */
  constructor(
    { prefixes }: Pick<ModelFacts, 'prefixes'>,
    info: ModelInfo,
    options: HostedOptions,
    hosted?: { readonly weights: HostedWeights; readonly environment: Environment },
  ) {
    this.info = info;
    this.#prefix = prefixes.document;
    this.#options = options;
    if (hosted === undefined) return;
    const { weights, environment } = hosted;
    const { provider, model, price, maxItems } = weights;
    const settings = { model, dimension: info.dimension, environment, maxItems: options.requestInputs ?? maxItems };
    // Nothing is sent over it.
    this.#provider = makeProvider(provider, settings, openConnection({}));
    const { usdPerMillionTokens } = options;
    this.#price = usdPerMillionTokens === undefined ? price : { ...price, usdPerMillionTokens };
  }

  async embed(inputs: readonly EmbedInput[], { signal }: EmbedOptions = {}): Promise<EmbedResult> {
    signal?.throwIfAborted();
    for (const input of inputs) await this.#count(input);
    return {
      vectors: new Float32Array(inputs.length * this.info.dimension),
      tokenCounts: new Uint32Array(inputs.length),
      truncated: new Uint8Array(inputs.length),
      faults: new Map(),
    };
  }

  get estimate(): WorkEstimate {
    const { requestsPerMinute, tokensPerMinute } = this.#options;
    const requests = this.#requests + (this.#filling.items > 0 ? 1 : 0);
    const minutes = Math.max(
      requestsPerMinute === undefined ? 0 : requests / requestsPerMinute,
      tokensPerMinute === undefined ? 0 : this.#tokens / tokensPerMinute,
    );
    const costUsd = costOf(this.#price, this.#tokens, this.#images);
    return {
      inputs: this.#inputs,
      tokens: this.#tokens,
      images: this.#images,
      ...(this.#provider !== undefined && { requests }),
      ...(minutes > 0 && { seconds: minutes * 60 }),
      ...(costUsd !== undefined && { costUsd }),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #count({ text, image }: EmbedInput): Promise<void> {
    const rules = this.#provider?.images;
    const pixels = image === undefined || rules === undefined ? 0 : await pixelsOf(image.bytes);
    const sent = {
      ...(text !== undefined && { text: this.#prefix + text }),
      ...(image !== undefined && { image: { ...image, pixels: Math.min(pixels, rules?.maxPixels ?? 0) } }),
    };
    const tokens = Math.min(estimateTokens(sent, rules), this.info.maxTokens);
    this.#inputs++;
    this.#tokens += tokens;
    if (image !== undefined) this.#images++;
    const bytes = Buffer.byteLength(sent.text ?? '') + Math.ceil(((image?.bytes.length ?? 0) * 4) / 3);
    if (this.#provider !== undefined) this.#fill(this.#provider.limits, { items: 1, tokens, bytes });
  }

  #fill({ maxItems, goodItems, maxTokens, maxBytes }: RequestLimits, next: Filling): void {
    const { requestsPerMinute = Infinity, tokensPerMinute = Infinity } = this.#options;
    const most = requestsPerMinute <= FEW_REQUESTS ? maxItems : Math.min(maxItems, goodItems);
    const filling = this.#filling;
    const isFull =
      filling.items + next.items > most ||
      filling.tokens + next.tokens > Math.min(maxTokens, tokensPerMinute) ||
      filling.bytes + next.bytes > maxBytes;
    if (isFull && filling.items > 0) {
      this.#requests++;
      this.#filling = next;
      return;
    }
    filling.items += next.items;
    filling.tokens += next.tokens;
    filling.bytes += next.bytes;
  }
}

/** By its header; 0 where it can't be read. */
async function pixelsOf(bytes: Uint8Array): Promise<number> {
  const { readHeader } = await import('../local/image/decode-image.ts');
  try {
    const { width, height } = await readHeader(bytes);
    return width * height;
  } catch {
    // It becomes a dead letter without being sent.
    return 0;
  }
}
