import { backoffDelayMs } from '../../backoff.ts';
import type { StatedLimit, StatedLimits } from './limit-headers.ts';
import type { Timing } from './timing.ts';

export interface RateLimiterOptions {
  /** As the user says; otherwise as responses do. */
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Most requests at a time. */
  readonly concurrency: number;
  readonly timing: Timing;
}

/** A request that was sent. */
export interface Permit {
  /** Counts the refusals before it. */
  readonly epoch: number;
  /** By estimate. */
  readonly tokens: number;
}

const MINUTE_MS = 60_000;
/** Clocks differ, and a request is counted when it arrives: this much of a limit is used. */
const SHARE = 0.98;
/** A timer that fires late by no more than this is made up for; a longer pause is no reason for a burst. */
const CATCH_UP_MS = 50;
const INITIAL_WINDOW = 2;
/** Of the first pause; two requests' time, where that is known and less. */
const BACKOFF_BASE_MS = 500;
/** Successes after which the last refusals are forgotten. */
const FORGIVEN_AFTER = 20;
/** With fewer requests a minute than these, each should hold as much as it may. */
const FEW_REQUESTS = 300;

/**
 * When the next request may be sent. Known limits (given, or learnt from responses) are kept by even spacing: a burst
 * would be refused by those who count in seconds. Where nothing is known, requests at a time grow with each answer,
 * are halved by a refusal and grow slowly from then on, as TCP does it. A refusal (429) holds everything back, as long
 * as the provider says or with growing, jittered pauses; after the second in a row one request goes ahead alone, and
 * the others follow when it is answered.
 */
export class RateLimiter {
  readonly #timing: Timing;
  readonly #concurrency: number;
  readonly #given: { readonly requests?: number; readonly tokens?: number };
  readonly #learnt: { requests?: number; tokens?: number } = {};
  readonly #startMs: number;
  #inFlight = 0;
  /** Requests at a time; it grows by one with each answer up to the threshold, and then by one with each round of them. */
  #window: number;
  #threshold = Infinity;
  #nextRequestMs: number;
  #nextTokenMs: number;
  #pausedUntilMs = -Infinity;
  #epoch = 0;
  /** After a refusal, until an answer. */
  #isProbing = false;
  #probeIsOut = false;
  /** Refusals in a row, less what is forgiven. */
  #refusals = 0;
  #answers = 0;
  #answersSinceRefusal = 0;

  constructor({ requestsPerMinute, tokensPerMinute, concurrency, timing }: RateLimiterOptions) {
    this.#timing = timing;
    this.#concurrency = concurrency;
    this.#given = {
      ...(requestsPerMinute !== undefined && { requests: requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokens: tokensPerMinute }),
    };
    this.#window = requestsPerMinute === undefined ? Math.min(INITIAL_WINDOW, concurrency) : concurrency;
    this.#startMs = timing.now();
    this.#nextRequestMs = this.#startMs;
    this.#nextTokenMs = this.#startMs;
  }

  get requestsPerMinute(): number | undefined {
    return this.#given.requests ?? this.#learnt.requests;
  }

  get tokensPerMinute(): number | undefined {
    return this.#given.tokens ?? this.#learnt.tokens;
  }

  /** Whether requests are what is short, so that each should hold as much as it may. */
  get isScarce(): boolean {
    return this.#refusals > 0 || (this.requestsPerMinute ?? Infinity) <= FEW_REQUESTS;
  }

  /** Milliseconds until a request may be sent: 0 is now, Infinity is not before another one is answered. */
  delayMs(): number {
    if (this.#inFlight >= Math.floor(this.#window) || (this.#isProbing && this.#probeIsOut)) return Infinity;
    const now = this.#timing.now();
    return Math.max(
      0,
      this.#pausedUntilMs - now,
      this.requestsPerMinute === undefined ? 0 : this.#nextRequestMs - now,
      this.tokensPerMinute === undefined ? 0 : this.#nextTokenMs - now,
    );
  }

  /** A request of so many tokens, by estimate, goes out. */
  sent(tokens: number): Permit {
    const now = this.#timing.now();
    this.#inFlight++;
    if (this.#isProbing) this.#probeIsOut = true;
    this.#nextRequestMs = onSchedule(this.#nextRequestMs, now) + spacingMs(this.requestsPerMinute);
    this.#nextTokenMs = onSchedule(this.#nextTokenMs, now) + tokens * spacingMs(this.tokensPerMinute);
    return { epoch: this.#epoch, tokens };
  }

  /** It was answered with vectors. */
  answered(permit: Permit, limits: StatedLimits, tokens: number = permit.tokens): void {
    this.#done(permit);
    this.#answers++;
    const growth = this.#window < this.#threshold ? 1 : 1 / this.#window;
    this.#window = Math.min(this.#concurrency, this.#window + growth);
    if (permit.epoch === this.#epoch) {
      if (this.#isProbing) this.#refusals = Math.max(0, this.#refusals - 2);
      this.#isProbing = false;
      if (++this.#answersSinceRefusal >= FORGIVEN_AFTER) this.#refusals = 0;
    }
    this.#nextTokenMs += (tokens - permit.tokens) * spacingMs(this.tokensPerMinute);
    this.#learn(limits);
  }

  /** It was refused for coming too soon (429, or an overloaded server that says how long to wait). */
  refused(permit: Permit, limits: StatedLimits, waitMs?: number): void {
    this.#done(permit);
    this.#learn(limits);
    const now = this.#timing.now();
    if (permit.epoch < this.#epoch) {
      // It was under way when another one was refused; that counts once.
      if (waitMs !== undefined) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + waitMs);
      return;
    }
    this.#epoch++;
    // A single refusal at a known pace is a matter of milliseconds, theirs or ours.
    const isFirst = this.#refusals === 0;
    this.#isProbing = !isFirst;
    this.#probeIsOut = false;
    if (this.#answersSinceRefusal > 0) this.#threshold = Math.max(2, this.#window / 2);
    if (!isFirst || this.requestsPerMinute === undefined) this.#window = Math.max(1, Math.floor(this.#window / 2));
    this.#answersSinceRefusal = 0;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + this.#pauseMs(now, waitMs));
    this.#refusals++;
  }

  #pauseMs(now: number, waitMs: number | undefined): number {
    const random = this.#timing.random();
    // As long as it says, and not with everyone else who was told the same.
    if (waitMs !== undefined) return waitMs + random * Math.min(1000, waitMs * 0.1);
    const known = spacingMs(this.requestsPerMinute);
    const baseMs = known > 0 ? Math.min(BACKOFF_BASE_MS, 2 * known) : BACKOFF_BASE_MS;
    return backoffDelayMs(this.#refusals, random, { baseMs, capMs: this.#longestPauseMs(now) });
  }

  /** It ended in another way. */
  failed(permit: Permit): void {
    this.#done(permit);
  }

  #done(permit: Permit): void {
    this.#inFlight--;
    if (permit.epoch === this.#epoch) this.#probeIsOut = false;
  }

  /** A hundred requests' worth: no less than what many a second would lose, no more than a minute. */
  #longestPauseMs(now: number): number {
    const known = spacingMs(this.requestsPerMinute);
    const spacing = known > 0 ? known : (now - this.#startMs) / Math.max(1, this.#answers);
    return Math.min(MINUTE_MS, Math.max(2000, 100 * spacing));
  }

  #learn({ requests, tokens }: StatedLimits): void {
    if (requests.limit !== undefined) {
      const isNew = this.requestsPerMinute === undefined;
      this.#learnt.requests = requests.limit;
      // The pace is known: nothing is left to be found out.
      if (isNew && this.#epoch === 0) this.#window = this.#concurrency;
    }
    if (tokens.limit !== undefined) this.#learnt.tokens = tokens.limit;
    for (const stated of [requests, tokens]) this.#heed(stated);
  }

  /** When all is used up, there is nothing to try before the reset. */
  #heed({ remaining, resetMs }: StatedLimit): void {
    if (remaining === 0 && resetMs !== undefined && resetMs <= MINUTE_MS)
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#timing.now() + resetMs);
  }
}

function onSchedule(dueMs: number, nowMs: number): number {
  return nowMs - dueMs > CATCH_UP_MS ? nowMs : dueMs;
}

function spacingMs(perMinute: number | undefined): number {
  return perMinute === undefined ? 0 : MINUTE_MS / (perMinute * SHARE);
}
