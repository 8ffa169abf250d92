import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestLimits } from '../../../src/models/hosted/provider.ts';
import { halves, RequestQueue, type Batch, type Waiting } from '../../../src/models/hosted/request-queue.ts';

const LIMITS: RequestLimits = { maxItems: 10, goodItems: 4, maxTokens: 100, maxBytes: 1000, concurrency: 1 };

interface Sized {
  readonly tokens: number;
  readonly bytes: number;
  readonly role: 'document' | 'query';
  readonly isAbandoned: boolean;
}

function waiting(text: string, window: object, sized: Partial<Sized> = {}): Waiting {
  const { tokens = 1, bytes = 1, role = 'document', isAbandoned = false } = sized;
  return {
    item: { text },
    ...{ role, window, tokens, bytes },
    isTruncated: false,
    isAbandoned: () => isAbandoned,
    done: () => undefined,
  };
}

function takeAll(queue: RequestQueue, fills: boolean): Waiting[][] {
  const batches: Waiting[][] = [];
  for (;;) {
    const batch = queue.take(0, fills, LIMITS);
    if (typeof batch === 'number') return batches;
    batches.push([...batch.inputs]);
  }
}

const sized = fc.record({
  tokens: fc.integer({ min: 1, max: 150 }),
  bytes: fc.integer({ min: 1, max: 1500 }),
  role: fc.constantFrom('document' as const, 'query' as const),
  isAbandoned: fc.boolean(),
});

describe('RequestQueue', () => {
  it('hands out every input once, in order, within the limits', () => {
    fc.assert(
      fc.property(fc.array(fc.array(sized, { maxLength: 8 })), fc.boolean(), (windows, fills) => {
        const queue = new RequestQueue();
        const all = windows.flatMap((window, w) => {
          const inputs = window.map((each, i) => waiting(`${w}.${i}`, window, each));
          queue.add(inputs);
          return inputs;
        });
        const batches = takeAll(queue, fills);
        expect(batches.flat()).toEqual(all.filter((input) => !input.isAbandoned()));
        for (const batch of batches) {
          expect(new Set(batch.map(({ role }) => role)).size).toBe(1);
          expect(batch.length).toBeLessThanOrEqual(fills ? 10 : 4);
          if (batch.length === 1) continue;
          expect(batch.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(100);
          expect(batch.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });

  it('keeps windows whole, unless requests are scarce', () => {
    const add = (): RequestQueue => {
      const queue = new RequestQueue();
      for (const size of [3, 2, 6]) {
        const window = {};
        queue.add(Array.from({ length: size }, (_, i) => waiting(`${size}.${i}`, window)));
      }
      return queue;
    };
    expect(takeAll(add(), false).map(({ length }) => length)).toEqual([3, 2, 4, 2]);
    expect(takeAll(add(), true).map(({ length }) => length)).toEqual([10, 1]);
  });

  it('counts a text and an image of one input as two where they are sent apart', () => {
    const queue = new RequestQueue();
    const window = {};
    const image = { mime: 'image/png', bytes: new Uint8Array(1), pixels: 1 };
    queue.add(Array.from({ length: 3 }, () => ({ ...waiting('t', window), item: { text: 't', image } })));
    const batch = queue.take(0, false, { ...LIMITS, partsApart: true }) as Batch;
    expect(batch.inputs).toHaveLength(2);
  });

  it('hands out first what comes again, once it is due, and says when that is', () => {
    const queue = new RequestQueue();
    const window = {};
    const later: Batch = { inputs: [waiting('later', window)], attempts: 1, notBeforeMs: 500 };
    const gone: Batch = { inputs: [waiting('gone', window, { isAbandoned: true })], attempts: 1, notBeforeMs: 100 };
    queue.putBack(later, gone);
    expect(queue.take(0, false, LIMITS)).toBe(500);
    queue.add([waiting('new', window)]);
    expect(queue.take(200, false, LIMITS)).toMatchObject({ inputs: [{ item: { text: 'new' } }] });
    expect(queue.take(500, false, LIMITS)).toMatchObject({ inputs: [{ item: { text: 'later' } }], attempts: 1 });
    expect(queue.take(500, false, LIMITS)).toBe(Infinity);
  });

  it('halves a batch in order', () => {
    const window = {};
    const inputs = ['a', 'b', 'c'].map((text) => waiting(text, window));
    const parts = halves({ inputs, attempts: 3, notBeforeMs: 9 }, 7);
    expect(parts.map((part) => part.inputs.map(({ item }) => item.text))).toEqual([['a', 'b'], ['c']]);
    expect(parts.map(({ attempts, accusedAt }) => [attempts, accusedAt])).toEqual([
      [0, 7],
      [0, 7],
    ]);
  });
});
