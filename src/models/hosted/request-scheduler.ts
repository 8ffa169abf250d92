import { backoffDelayMs } from '../../backoff.ts';
import { exchange, type Exchanged, type ExchangeContext } from './exchange.ts';
import { costLimitReached, providerFailed, refusesEverything, stopped } from './hosted-errors.ts';
import type { PreparedInput } from './prepare-input.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { halves, imagesOf, RequestQueue, tokensOf, type Batch, type Waiting } from './request-queue.ts';
import { shortened } from './shorten.ts';
import type { Timing } from './timing.ts';
import { spreadTokens } from './token-estimate.ts';
import type { UsageMeter } from './usage-meter.ts';

export interface SchedulerOptions extends Omit<ExchangeContext, 'signal'> {
  /** For messages. */
  readonly model: string;
  /** Of one input. */
  readonly maxTokens: number;
  readonly limiter: RateLimiter;
  readonly meter: UsageMeter;
  readonly timing: Timing;
  /** An input that every such model takes: whether it is the provider that refuses all. */
  readonly knownGood: PreparedInput;
  /** Once it aborts, what is under way is finished, and what was not sent is rejected with its reason. */
  readonly stop?: AbortSignal | undefined;
  /** Told before each pause after something failed. */
  readonly onRetry?: ((what: string) => void) | undefined;
}

const MAX_ATTEMPTS = 10;
const AGAIN_BACKOFF = { baseMs: 500, capMs: 30_000 };
/** Without a single answer in between, a provider that only says "later" has become unusable. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Sends inputs in batches, as many at a time and as fast as the limiter allows, and each again until it is answered or
 * known to be at fault. A fault of the world that doesn't end stops it for good: what is under way is finished, and
 * all that waits is rejected with it.
 */
export class RequestScheduler {
  readonly #options: SchedulerOptions;
  readonly #queue = new RequestQueue();
  readonly #closing = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #requests = 0;
  /** The latest request that was answered, by when it was sent. */
  #latestAnswered = 0;
  /** When the first request was put off, since an answer. */
  #putOffSinceMs: number | undefined;
  #wakeAtMs = Infinity;
  #inFlight = new Set<Promise<void>>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    options.stop?.addEventListener('abort', this.#onStop, { once: true });
    if (options.stop?.aborted === true) this.#onStop();
  }

  /** Each is told its outcome, in any order. */
  add(inputs: readonly Waiting[]): void {
    const failure = this.#failure;
    if (failure !== undefined) for (const input of inputs) input.done(failure);
    else this.#queue.add(inputs);
    this.#pump();
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.#options.stop?.removeEventListener('abort', this.#onStop);
    this.#fail(stopped(this.#options.model));
    this.#closing.abort();
    await Promise.all(this.#inFlight);
    await this.#options.connection.close();
  }

  readonly #onStop = (): void => {
    this.#fail(this.#options.stop?.reason);
  };

  #pump(): void {
    const { limiter, timing, provider, meter, model } = this.#options;
    while (this.#failure === undefined) {
      const delayMs = limiter.delayMs();
      if (delayMs > 0) {
        this.#wakeIn(delayMs);
        return;
      }
      const { limits } = provider;
      const maxTokens = Math.min(limits.maxTokens, limiter.tokensPerMinute ?? Infinity);
      const batch = this.#queue.take(timing.now(), limiter.isScarce, { ...limits, maxTokens });
      if (typeof batch === 'number') {
        this.#wakeIn(batch);
        return;
      }
      if (!meter.allows(tokensOf(batch), imagesOf(batch))) {
        this.#queue.putBack(batch);
        this.#fail(costLimitReached(model, meter.usage));
        return;
      }
      const sent = this.#send(batch);
      this.#inFlight.add(sent);
      void sent.finally(() => {
        this.#inFlight.delete(sent);
        this.#pump();
      });
    }
  }

  /** One timer for whatever comes first. */
  #wakeIn(ms: number): void {
    const { timing } = this.#options;
    const atMs = timing.now() + ms;
    if (atMs >= this.#wakeAtMs || ms === Infinity) return;
    this.#wakeAtMs = atMs;
    void timing.sleep(ms, this.#closing.signal).then(() => {
      if (this.#wakeAtMs === atMs) this.#wakeAtMs = Infinity;
      this.#pump();
    });
  }

  async #send(batch: Batch): Promise<void> {
    const { limiter, meter } = this.#options;
    const [tokens, images] = [tokensOf(batch), imagesOf(batch)];
    const permit = limiter.sent(tokens);
    const request = ++this.#requests;
    meter.sent(tokens, images);
    const outcome = await exchange(batch, { ...this.#options, signal: this.#closing.signal });
    meter.returned(tokens, images);
    if (outcome.kind === 'vectors') {
      limiter.answered(permit, outcome.limits, outcome.tokens);
      meter.answered(tokens, outcome.tokens ?? tokens, outcome.images ?? 0);
      this.#latestAnswered = Math.max(this.#latestAnswered, request);
      this.#putOffSinceMs = undefined;
      this.#answered(batch, outcome);
    } else if (outcome.kind === 'later') {
      limiter.refused(permit, outcome.limits, outcome.waitMs);
      meter.rateLimited();
      this.#later(batch, outcome.what);
    } else {
      limiter.failed(permit);
      if (outcome.kind === 'again') this.#again(batch, outcome.what);
      else if (outcome.kind === 'input') this.#accused(batch, outcome.what);
      else this.#end(batch, outcome);
    }
  }

  #answered({ inputs }: Batch, { rows, tokens }: Extract<Exchanged, { kind: 'vectors' }>): void {
    const { dimension } = this.#options;
    const estimates = inputs.map((input) => input.tokens);
    const counts = tokens === undefined ? estimates : spreadTokens(tokens, estimates);
    inputs.forEach((input, index) => {
      const vector = rows.subarray(index * dimension, (index + 1) * dimension);
      input.done({ vector, tokens: counts[index] ?? 0, isTruncated: input.isTruncated || input.isShortened === true });
    });
  }

  #later(batch: Batch, what: string): void {
    const { model, provider, timing, onRetry } = this.#options;
    this.#putOffSinceMs ??= timing.now();
    if (timing.now() - this.#putOffSinceMs > PATIENCE_MS) {
      this.#reject(batch, providerFailed('HOSTED_RATE_LIMITED', model, provider.name, what));
      return;
    }
    onRetry?.(what);
    this.#giveBack(batch);
  }

  #again(batch: Batch, what: string): void {
    const { model, provider, timing, meter, onRetry } = this.#options;
    meter.failed();
    const attempts = batch.attempts + 1;
    if (attempts >= MAX_ATTEMPTS) {
      this.#reject(batch, providerFailed('HOSTED_UNAVAILABLE', model, provider.name, what));
      return;
    }
    onRetry?.(what);
    const waitMs = backoffDelayMs(batch.attempts, timing.random(), AGAIN_BACKOFF);
    this.#giveBack({ ...batch, attempts, notBeforeMs: timing.now() + waitMs });
  }

  /** Halves it until one input is alone; that one is at fault only if the provider takes others that are sent later. */
  #accused(batch: Batch, what: string): void {
    const { model, provider, maxTokens } = this.#options;
    const [input] = batch.inputs;
    const accusedAt = batch.accusedAt ?? this.#requests;
    if (input === undefined) return;
    if (batch.inputs.length > 1) {
      this.#giveBack(...halves(batch, accusedAt));
      return;
    }
    const shorter = shortened(input, what, maxTokens);
    if (shorter !== undefined) this.#giveBack({ ...batch, inputs: [shorter], accusedAt });
    else if (this.#latestAnswered > accusedAt) input.done({ refused: what });
    else {
      this.#tryKnownGood((error) => {
        if (error === undefined) input.done({ refused: what });
        else this.#reject(batch, 'refused' in error ? refusesEverything(model, provider.name, what) : error.error);
      });
    }
  }

  #tryKnownGood(then: (problem: { readonly refused: string } | { readonly error: unknown } | undefined) => void): void {
    const { knownGood, timing } = this.#options;
    const input: Waiting = {
      ...knownGood,
      role: 'document',
      window: knownGood,
      // So that it is neither shortened nor tried by another one.
      isShortened: true,
      isAbandoned: () => false,
      done: (outcome) => {
        then('vector' in outcome ? undefined : outcome);
      },
    };
    // There is an answer after this one, so that a refusal needs no proof.
    this.#giveBack({ inputs: [input], attempts: 0, notBeforeMs: timing.now(), accusedAt: -1 });
  }

  #end(batch: Batch, outcome: Extract<Exchanged, { kind: 'stop' | 'error' }>): void {
    const { model, provider } = this.#options;
    const error =
      outcome.kind === 'stop' ? providerFailed(outcome.code, model, provider.name, outcome.what) : outcome.error;
    this.#reject(batch, error);
  }

  #giveBack(...batches: readonly Batch[]): void {
    this.#queue.putBack(...batches);
    const failure = this.#failure;
    if (failure !== undefined) for (const input of this.#queue.drain()) input.done(failure);
  }

  #reject(batch: Batch, error: unknown): void {
    this.#fail(error);
    const failure = this.#failure ?? { error };
    for (const input of batch.inputs) input.done(failure);
  }

  /** Nothing is sent any more. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    const failure = this.#failure;
    for (const input of this.#queue.drain()) input.done(failure);
  }
}
