import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PipelineError } from '../../src/errors.ts';
import { backoffDelayMs } from '../../src/backoff.ts';
import { withRetries, type RetryOptions } from '../../src/log/retry.ts';

describe('backoffDelayMs', () => {
  it.each([
    [0, 0.5, 25],
    [1, 0.5, 50],
    [3, 0.5, 200],
    [30, 0.5, 2_500],
    [3, 0, 0],
  ])('attempt %i at %d of the jitter waits %d ms', (attempt, random, delay) => {
    expect(backoffDelayMs(attempt, random, { baseMs: 50, capMs: 5_000 })).toBe(delay);
  });

  it('never waits longer than the cap', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const delay = backoffDelayMs(attempt, random, { baseMs: 50, capMs: 400 });
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(400);
      }),
    );
  });
});

describe('withRetries', () => {
  const options: RetryOptions = { baseMs: 1, capMs: 1, maxAttempts: 3, random: () => 0 };
  const busy = new PipelineError('LOG_BUSY', 'busy', { retriable: true });

  function failing(times: number, error: Error): { calls: number; operation: () => Promise<string> } {
    const state = {
      calls: 0,
      operation: () => (++state.calls <= times ? Promise.reject(error) : Promise.resolve('done')),
    };
    return state;
  }

  it('tries a retriable error again', async () => {
    const state = failing(2, busy);
    await expect(withRetries(state.operation, undefined, options)).resolves.toBe('done');
    expect(state.calls).toBe(3);
  });

  it('surfaces the error when the attempts are used up', async () => {
    const state = failing(9, busy);
    await expect(withRetries(state.operation, undefined, options)).rejects.toBe(busy);
    expect(state.calls).toBe(3);
  });

  it('does not try again what is not retriable, nor after an abort', async () => {
    const broken = failing(9, new PipelineError('LOG_FENCED', 'fenced', { retriable: false }));
    await expect(withRetries(broken.operation, undefined, options)).rejects.toThrow('fenced');
    const aborted = failing(9, busy);
    await expect(withRetries(aborted.operation, AbortSignal.abort(), options)).rejects.toBe(busy);
    expect([broken.calls, aborted.calls]).toEqual([1, 1]);
  });
});
