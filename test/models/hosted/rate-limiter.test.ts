import { describe, expect, it } from 'vitest';
import type { StatedLimits } from '../../../src/models/hosted/limit-headers.ts';
import { RateLimiter, type Permit, type RateLimiterOptions } from '../../../src/models/hosted/rate-limiter.ts';

const NOTHING: StatedLimits = { requests: {}, tokens: {} };

interface World {
  /** How long an answer takes. */
  readonly latencyMs: number;
  readonly tokens?: number;
  /** Whether the server takes a request that comes now. */
  readonly takes: (nowMs: number) => boolean;
  readonly limits?: StatedLimits;
  readonly retryAfterMs?: number;
  /** By how much a timer fires late, at most. */
  readonly lateMs?: number;
}

interface Taken {
  readonly takenAtMs: number[];
  readonly refusedAtMs: number[];
}

/** Plays a client that always has something to send against a server, in simulated time. */
function play(
  options: Omit<RateLimiterOptions, 'timing'>,
  { latencyMs, tokens = 1, takes, limits = NOTHING, retryAfterMs, lateMs = 0 }: World,
  forMs: number,
): Taken {
  let nowMs = 0;
  let seed = 1;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const limiter = new RateLimiter({ ...options, timing: { now: () => nowMs, random, sleep: () => Promise.resolve() } });
  const underWay: { atMs: number; permit: Permit; isTaken: boolean }[] = [];
  const taken: Taken = { takenAtMs: [], refusedAtMs: [] };
  while (nowMs < forMs) {
    let delayMs = limiter.delayMs();
    while (delayMs === 0) {
      const isTaken = takes(nowMs);
      taken[isTaken ? 'takenAtMs' : 'refusedAtMs'].push(nowMs);
      underWay.push({ atMs: nowMs + latencyMs, permit: limiter.sent(tokens), isTaken });
      delayMs = limiter.delayMs();
    }
    const [next] = underWay;
    nowMs = Math.min(next?.atMs ?? Infinity, nowMs + delayMs + random() * lateMs);
    if (next === undefined || next.atMs > nowMs) continue;
    underWay.shift();
    if (next.isTaken) limiter.answered(next.permit, limits, tokens);
    else limiter.refused(next.permit, limits, retryAfterMs);
  }
  return taken;
}

/** Refuses what is more than `limit` in any window of `windowMs`. */
function sliding(limit: number, windowMs: number): (nowMs: number) => boolean {
  const recent: number[] = [];
  return (nowMs) => {
    while ((recent[0] ?? Infinity) <= nowMs - windowMs) recent.shift();
    if (recent.length >= limit) return false;
    recent.push(nowMs);
    return true;
  };
}

function rate(times: readonly number[], fromMs: number, toMs: number): number {
  return times.filter((at) => at >= fromMs && at < toMs).length / ((toMs - fromMs) / 1000);
}

const STATED: StatedLimits = { requests: { limit: 6000 }, tokens: {} };

describe('RateLimiter', () => {
  it.each([
    ['given', { requestsPerMinute: 6000 }, NOTHING],
    ['learnt', {}, STATED],
  ])('reaches 95 %% of a limit of 100 requests a second, %s, and is never refused', (_how, given, limits) => {
    const world = { latencyMs: 200, takes: sliding(100, 1000), limits };
    const { takenAtMs, refusedAtMs } = play({ concurrency: 32, ...given }, world, 60_000);
    expect(rate(takenAtMs, 2000, 60_000)).toBeGreaterThan(95);
    expect(refusedAtMs).toEqual([]);
    const late = play({ concurrency: 32, ...given }, { ...world, takes: sliding(100, 1000), lateMs: 15 }, 60_000);
    expect(rate(late.takenAtMs, 2000, 60_000)).toBeGreaterThan(95);
  });

  it('finds a limit that nobody states, and does not press against it', () => {
    const world = { latencyMs: 200, takes: sliding(100, 1000) };
    const { takenAtMs, refusedAtMs } = play({ concurrency: 64 }, world, 120_000);
    expect(rate(takenAtMs, 10_000, 120_000)).toBeGreaterThan(65);
    expect(refusedAtMs.length).toBeLessThan(takenAtMs.length * 0.1);
  });

  it.each([
    ['says nothing', undefined],
    ['says to wait a second', 1000],
  ])('is back two seconds and a bit after a storm of 30 s in which the server %s', (_what, retryAfterMs) => {
    const takes = sliding(100, 1000);
    const isStorm = (nowMs: number): boolean => nowMs >= 10_000 && nowMs < 40_000;
    const world = {
      latencyMs: 200,
      takes: (nowMs: number) => !isStorm(nowMs) && takes(nowMs),
      limits: STATED,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
    const { takenAtMs, refusedAtMs } = play({ concurrency: 32 }, world, 70_000);
    // A tenth of what the 30 s after it allow.
    expect(rate(takenAtMs, 40_000, 70_000)).toBeGreaterThan(90);
    // What was under way, and one at a time after that.
    expect(refusedAtMs.length).toBeLessThan(32 + 60);
  });

  it('spaces the requests of a free tier evenly: three a minute, and 10,000 tokens', () => {
    const world = { latencyMs: 300, tokens: 2000, takes: sliding(3, 60_000) };
    const { takenAtMs, refusedAtMs } = play(
      { concurrency: 32, requestsPerMinute: 3, tokensPerMinute: 10_000 },
      world,
      600_000,
    );
    expect(refusedAtMs).toEqual([]);
    expect(takenAtMs.length).toBeGreaterThan(28);
    const many = play({ concurrency: 32, tokensPerMinute: 10_000 }, { ...world, takes: () => true }, 600_000);
    // Five of 2,000 tokens a minute.
    expect(many.takenAtMs.length).toBeGreaterThan(47);
    expect(many.takenAtMs.length).toBeLessThanOrEqual(50);
  });

  it('takes in what a request really cost', () => {
    let nowMs = 0;
    const timing = { now: () => nowMs, random: () => 0, sleep: () => Promise.resolve() };
    const limiter = new RateLimiter({ concurrency: 8, tokensPerMinute: 6000, timing });
    limiter.answered(limiter.sent(98), NOTHING, 196);
    // 98 tokens a second.
    expect(limiter.delayMs()).toBeCloseTo(2000, -1);
    nowMs += 2000;
    expect(limiter.delayMs()).toBe(0);
  });

  it('lets one request alone find out whether a storm is over', () => {
    let nowMs = 0;
    const timing = { now: () => nowMs, random: () => 0.5, sleep: () => Promise.resolve() };
    const limiter = new RateLimiter({ concurrency: 8, requestsPerMinute: 60_000, timing });
    for (let round = 0; round < 2; round++) {
      // Both were under way: that is one refusal.
      const permits = [limiter.sent(1), limiter.sent(1)];
      for (const permit of permits) limiter.refused(permit, NOTHING, 3000);
      expect(limiter.delayMs()).toBeGreaterThanOrEqual(3000);
      nowMs += limiter.delayMs();
      expect(limiter.delayMs()).toBe(0);
    }
    const probe = limiter.sent(1);
    nowMs += 1000;
    expect(limiter.delayMs()).toBe(Infinity);
    limiter.answered(probe, NOTHING);
    expect(limiter.delayMs()).toBe(0);
  });
});
