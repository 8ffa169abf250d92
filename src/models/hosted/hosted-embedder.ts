import { poisonError, UsageError, type PipelineError } from '../../errors.ts';
import type { HostedWeights, ModelFacts } from '../catalog/entry.ts';
import type { Embedder, EmbedderUsage, EmbedInput, EmbedOptions, EmbedResult, ModelInfo } from '../port.ts';
import { checkHostedCanary, CANARY_TEXTS } from './hosted-canary.ts';
import { openConnection } from './http-connection.ts';
import type { CreateHostedOptions, HostedOptions } from './hosted-options.ts';
import { makeProvider } from './make-provider.ts';
import { faultOf, prepareInput, type PreparedInput } from './prepare-input.ts';
import type { HostedProvider, Role } from './provider.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { Outcome, Waiting } from './request-queue.ts';
import { RequestScheduler } from './request-scheduler.ts';
import { REAL_TIMING } from './timing.ts';
import { UsageMeter, type Price } from './usage-meter.ts';

export type HostedModel = ModelFacts & { readonly weights: HostedWeights };

/** Inputs of a window where each is a request, or large. */
const SMALL_WINDOW = 4;
const IMAGE_WINDOW = 16;

/**
 * A model behind an API. Texts and images go there in as few requests as its limits ask for; see RequestScheduler for
 * what becomes of failures.
 *
 * @throws UsageError where a key, an address or a price is missing.
 * @throws PipelineError HOSTED_KEY_REFUSED, HOSTED_QUOTA_SPENT, HOSTED_REQUEST_REFUSED, HOSTED_UNAVAILABLE,
 * HOSTED_RATE_LIMITED, HOSTED_REFUSES_EVERYTHING, HOSTED_COST_LIMIT, from `embed` as well; MODEL_CANARY_FAILED.
 */
export async function createHostedEmbedder(
  model: HostedModel,
  info: ModelInfo,
  options: CreateHostedOptions,
): Promise<Embedder> {
  const { timing = REAL_TIMING, environment, timeouts } = options;
  const { weights, dimension, matryoshka, normalise, maxTokens } = model;
  const price = priceOf(model, options);
  const connection = openConnection(environment, timeouts);
  try {
    const provider = makeProvider(
      weights.provider,
      {
        model: weights.model,
        dimension,
        isShorter: matryoshka !== undefined && matryoshka.full !== dimension,
        environment,
        maxItems: options.requestInputs ?? weights.maxItems,
      },
      connection,
    );
    const { requestsPerMinute, tokensPerMinute, concurrency = provider.limits.concurrency } = options;
    const limiter = new RateLimiter({
      concurrency,
      timing,
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    });
    const meter = new UsageMeter(price, options.maxCostUsd);
    const [text] = CANARY_TEXTS;
    const scheduler = new RequestScheduler({
      model: info.name,
      ...{ provider, connection, dimension, normalise, maxTokens, limiter, meter, timing },
      knownGood: await prepareInput({ text }, provider, rulesOf(model, 'document')),
      stop: options.stop,
      onRetry: options.onRetry,
    });
    const embedder = new HostedEmbedder(model, info, { provider, scheduler, meter, concurrency });
    try {
      await checkHostedCanary(embedder);
    } catch (error) {
      await scheduler.close();
      throw error;
    }
    return embedder;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** @throws UsageError where the cost is limited and can't be known. */
function priceOf(
  { name, weights }: HostedModel,
  { maxCostUsd, usdPerMillionTokens }: HostedOptions,
): Price | undefined {
  if (usdPerMillionTokens !== undefined) return { ...weights.price, usdPerMillionTokens };
  if (weights.price === undefined && maxCostUsd !== undefined)
    throw new UsageError(
      `What ${name} costs is not known, so --max-cost can't be kept: give --price-per-million-tokens, in US dollars.`,
    );
  return weights.price;
}

type IndexedInput = readonly [index: number, input: PreparedInput];

function rulesOf({ prefixes, maxTokens, name }: HostedModel, role: Role): Parameters<typeof prepareInput>[2] {
  return { prefix: prefixes[role], maxTokens, model: name };
}

interface Parts {
  readonly provider: HostedProvider;
  readonly scheduler: RequestScheduler;
  readonly meter: UsageMeter;
  readonly concurrency: number;
}

class HostedEmbedder implements Embedder {
  readonly info: ModelInfo;
  readonly windowSize: number;
  readonly windowsInFlight: number;
  readonly #model: HostedModel;
  readonly #parts: Parts;

  constructor(model: HostedModel, info: ModelInfo, parts: Parts) {
    const { provider, concurrency } = parts;
    const { maxItems, goodItems } = provider.limits;
    const items = Math.min(maxItems, goodItems);
    this.info = info;
    this.#model = model;
    this.#parts = parts;
    // A window a request, so that what a crash has to pay for again is what was under way.
    this.windowSize =
      items === 1 ? SMALL_WINDOW : Math.min(items, provider.images === undefined ? items : IMAGE_WINDOW);
    this.windowsInFlight = Math.max(2, Math.ceil(concurrency / (items === 1 ? SMALL_WINDOW : 1)));
  }

  async embed(inputs: readonly EmbedInput[], { signal, as = 'document' }: EmbedOptions = {}): Promise<EmbedResult> {
    signal?.throwIfAborted();
    const { dimension } = this.info;
    const result = {
      vectors: new Float32Array(inputs.length * dimension),
      tokenCounts: new Uint32Array(inputs.length),
      truncated: new Uint8Array(inputs.length),
      faults: new Map<number, PipelineError>(),
    };
    const waiting = await this.#prepareAll(inputs, as, result.faults);
    signal?.throwIfAborted();
    await this.#answers(waiting, as, signal, (index, outcome) => {
      if ('refused' in outcome) {
        result.faults.set(index, this.#refused(outcome.refused));
        return;
      }
      result.vectors.set(outcome.vector, index * dimension);
      result.tokenCounts[index] = outcome.tokens;
      result.truncated[index] = outcome.isTruncated ? 1 : 0;
    });
    return result;
  }

  usage(): EmbedderUsage {
    return this.#parts.meter.usage;
  }

  close(): Promise<void> {
    return this.#parts.scheduler.close();
  }

  async #prepareAll(
    inputs: readonly EmbedInput[],
    role: Role,
    faults: Map<number, PipelineError>,
  ): Promise<IndexedInput[]> {
    const prepared: IndexedInput[] = [];
    const rules = rulesOf(this.#model, role);
    // One after the other: a decoded image takes up to 200 MB.
    for (const [index, input] of inputs.entries()) {
      try {
        prepared.push([index, await prepareInput(input, this.#parts.provider, rules)]);
      } catch (error) {
        faults.set(index, faultOf(error));
      }
    }
    return prepared;
  }

  /** Resolves once each has an outcome; rejects with the first that is no input's fault, or when `signal` aborts. */
  async #answers(
    inputs: readonly IndexedInput[],
    role: Role,
    signal: AbortSignal | undefined,
    done: (index: number, outcome: Exclude<Outcome, { error: unknown }>) => void,
  ): Promise<void> {
    if (inputs.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    let left = inputs.length;
    let isOver = false;
    const end = (error: unknown): void => {
      isOver = true;
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const onAbort = (): void => {
      end(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const waiting = inputs.map(([index, input]): Waiting => ({
      ...input,
      role,
      window: inputs,
      isAbandoned: () => isOver,
      done: (outcome) => {
        if (isOver) return;
        if ('error' in outcome) {
          end(outcome.error);
          return;
        }
        done(index, outcome);
        if (--left === 0) resolve(undefined);
      },
    }));
    this.#parts.scheduler.add(waiting);
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #refused(what: string): PipelineError {
    return poisonError(
      'HOSTED_INPUT_REFUSED',
      `${this.#parts.provider.name} refuses this input for ${this.info.name}, and takes others: ${what}.`,
    );
  }
}
